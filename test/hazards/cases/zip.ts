import { crc32, deflateRawSync } from 'node:zlib';

/** A member to be packed, with lies where a test wants them. */
export interface ZipMember {
  readonly name: string;
  readonly content: Uint8Array;
  readonly isStored?: boolean;
  readonly isEncrypted?: boolean;
  readonly claimedSize?: number;
  readonly claimedCrc?: number;
}

/** A zip archive (PKWARE APPNOTE 6.3, without extra fields and comments). */
export function zip(members: readonly ZipMember[]): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const name = Buffer.from(member.name);
    const body = member.isStored ? Buffer.from(member.content) : deflateRawSync(member.content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(member.isEncrypted ? 1 : 0, 2);
    common.writeUInt16LE(member.isStored ? 0 : 8, 4);
    common.writeUInt32LE(member.claimedCrc ?? crc32(member.content), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(member.claimedSize ?? member.content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, body]);
    entries.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, place, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
