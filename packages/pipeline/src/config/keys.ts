import type { core as ZodCore } from 'zod';
import type { ConfigPath } from './document.js';

/** The keys that a schema knows at a path; empty where it has no fixed keys. */
export function keysAt(schema: ZodCore.$ZodType, path: ConfigPath): string[] {
  let current = unwrapped(schema);
  for (const step of path) current = unwrapped(child(current, step));
  return current?._zod.def.type === 'object' ? Object.keys(shapeOf(current)) : [];
}

type Shape = Readonly<Record<string, ZodCore.$ZodType>>;

function shapeOf(schema: ZodCore.$ZodType): Shape {
  return (schema as ZodCore.$ZodObject)._zod.def.shape;
}

function child(schema: ZodCore.$ZodType | undefined, step: string | number): ZodCore.$ZodType | undefined {
  switch (schema?._zod.def.type) {
    case 'object':
      return shapeOf(schema)[step];
    case 'array':
      return (schema as ZodCore.$ZodArray)._zod.def.element;
    case 'record':
      return (schema as ZodCore.$ZodRecord)._zod.def.valueType;
    default:
      return undefined;
  }
}

/** A schema without the wrappers that give it a default or turn a short form into the full one. */
function unwrapped(schema: ZodCore.$ZodType | undefined): ZodCore.$ZodType | undefined {
  switch (schema?._zod.def.type) {
    case 'default':
    case 'prefault':
    case 'optional':
      return unwrapped((schema as ZodCore.$ZodOptional)._zod.def.innerType);
    case 'pipe': {
      const { in: before, out } = (schema as ZodCore.$ZodPipe)._zod.def;
      return unwrapped(out._zod.def.type === 'transform' ? before : out);
    }
    default:
      return schema;
  }
}
