// The rule of eslint that holds the rooms of src/ apart, whatever form an import has.
import { isBuiltin } from 'node:module';
import path from 'node:path';

/** Modules of Node.js that calculate; every other one reaches out of the process, or tells of it. */
const calculating = ['assert', 'buffer', 'crypto', 'events', 'path', 'punycode', 'string_decoder', 'url', 'util'];

/**
 * @param root the folder of src/
 * @param rooms which rooms a room may import from besides itself; a name may be a path, `api/native`, and a file: `index.ts`
 * @param pure those from which nothing with an effect is imported
 * @param readers files of these rooms that read nevertheless
 */
export const roomsRule = ({ root, rooms, pure, readers }) => ({
  meta: { type: 'problem', schema: [] },
  create(context) {
    const src = path.join(root, 'src');
    /** The room that a file is in, by the longest name that fits; undefined: in none. */
    const roomOf = (file) => {
      const parts = path.relative(src, file).split(path.sep);
      return parts
        .map((_, at) => parts.slice(0, parts.length - at).join('/'))
        .find((name) => Object.hasOwn(rooms, name));
    };
    const own = roomOf(context.filename);
    if (own === undefined) {
      return { Program: (node) => void context.report({ node, message: 'src has no such room: ARCHITECTURE.md' }) };
    }
    const isPure =
      pure.includes(own) && !readers.includes(path.relative(root, context.filename).replaceAll(path.sep, '/'));
    const wrong = (name) => {
      if (!name.startsWith('.')) {
        const module = isBuiltin(name) ? name.replace(/^node:/, '').replace(/\/.*/, '') : undefined;
        const reaches = name === 'execa' || (module !== undefined && !calculating.includes(module));
        if (isPure && reaches) return 'effects live in src/host';
        return undefined;
      }
      const file = path.resolve(path.dirname(context.filename), name).replace(/\.js$/, '.ts');
      const room = roomOf(file);
      if (room === own || (room !== undefined && rooms[own].includes(room))) return undefined;
      return `src/${own} may import from: ${rooms[own].join(', ') || 'nothing of ours'}`;
    };
    const check = (node) => {
      const source = node.source?.type === 'TSLiteralType' ? node.source.literal : node.source;
      if (source === null || source === undefined) return;
      const name = source.type === 'TemplateLiteral' ? source.quasis[0]?.value.cooked : source.value;
      const isWhole = typeof name === 'string' && (source.expressions ?? []).length === 0;
      const message = isWhole ? wrong(name) : 'what is imported is written out, for the rooms to be seen';
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };
  },
});
