import { InputError, type Place } from '@macrograd/core';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

/** Steps from the root of a config to one of its values: keys and list positions. */
export type ConfigPath = readonly (string | number)[];

/** A YAML or JSON text that still knows where each of its values stands. JSON is read as YAML, of which it is a part. */
export class ConfigDocument {
  private readonly document: Document.Parsed;
  private readonly lines = new LineCounter();

  constructor(
    readonly file: string,
    text: string,
  ) {
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false });
    // Warnings are of tags that name no type of YAML: refused, since dropping them would change what was meant.
    const [error] = [...this.document.errors, ...this.document.warnings];
    if (error) {
      throw new InputError(firstSentence(error.message), {
        place: this.placeAt(error.pos[0]),
        remedy: 'write the config as YAML or JSON',
        code: 'bad_config',
      });
    }
    if (!isMap(this.document.contents)) {
      throw new InputError(this.document.contents ? 'the config is not a map of keys' : 'the config is empty', {
        place: { file, line: 1, column: 1 },
        remedy: 'start from the one that "macrograd init" writes',
        code: 'bad_config',
      });
    }
  }

  /** The content as plain objects, lists, strings and numbers. */
  value(): unknown {
    try {
      return this.document.toJS();
    } catch (cause) {
      // yaml counts what aliases unfold to, and stops at a hundredfold.
      throw new InputError('the aliases of this config unfold beyond all measure', {
        place: { file: this.file },
        remedy: 'write the values out',
        code: 'bad_config',
        cause,
      });
    }
  }

  /** Whether something stands at a path. */
  has(path: ConfigPath): boolean {
    return this.document.hasIn(path);
  }

  /** Where the value at a path stands, or the nearest thing around it that exists. */
  placeOf(path: ConfigPath): Place {
    for (let length = path.length; length >= 0; length--) {
      const found = length === 0 ? this.document.contents : this.document.getIn(path.slice(0, length), true);
      if (isNode(found) && found.range) return this.placeAt(found.range[0]);
    }
    return { file: this.file };
  }

  /** Where the key (not its value) at a path stands. */
  placeOfKey(path: ConfigPath): Place {
    const parent = path.length === 1 ? this.document.contents : this.document.getIn(path.slice(0, -1), true);
    const key = path[path.length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
      const node = pair?.key as Node | undefined;
      if (node?.range) return this.placeAt(node.range[0]);
    }
    return this.placeOf(path);
  }

  private placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line, column: col };
  }
}

function firstSentence(message: string): string {
  const line = message.split('\n')[0];
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/[.:]$/, '');
}
