// The schemas of the documents of src/report, made of their types: what a type says in words is in its comments.
import path from 'node:path';
import ts from 'typescript';

/** What commands print as JSON, by the name of its schema: the file of the type, the type, and a title. */
const documents = {
  plan: ['plan-document', 'PlanDocument', 'vmrun plan'],
  comparison: ['comparison', 'ComparisonDocument', 'vmrun plan --diff'],
  check: ['check-document', 'CheckDocument', 'vmrun check'],
  runs: ['runs-document', 'RunsDocument', 'vmrun ps'],
  'start-plan': ['start-plan-document', 'StartPlanDocument', 'vmrun plan --all'],
};

/** @returns the schemas by name: JSON Schema 2020-12. A key that is in none may be added to a document any time. */
export function reportSchemas(root, program) {
  const checker = program.getTypeChecker();
  const schemas = Object.entries(documents).map(([name, [file, type, command]]) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(path.join(root, 'src/report', `${file}.ts`)));
    const symbol = checker.getExportsOfModule(module).find((each) => each.name === type);
    const reader = typeReader(checker, path.join(root, 'src'));
    const schema = reader.contentOf(checker.getDeclaredTypeOfSymbol(symbol));
    const head = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:vmrun:schema:${name}`,
      title: `${command} --json`,
      description: wordsOf(symbol, checker),
    };
    return [name, { ...head, ...schema, $defs: reader.definitions() }];
  });
  return new Map(schemas);
}

/** What the native API answers, by the name of its type: each that its documents export. */
export function apiSchemas(root, program) {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(path.join(root, 'src/api/native/documents.ts')));
  const reader = typeReader(checker, path.join(root, 'src'));
  for (const symbol of checker.getExportsOfModule(module)) {
    const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    reader.schemaOf(checker.getDeclaredTypeOfSymbol(own));
  }
  return JSON.parse(JSON.stringify(reader.definitions()).replaceAll('#/$defs/', '#/components/schemas/'));
}

/** Turns types into schemas; those that have a name become definitions. */
function typeReader(checker, src) {
  const defined = new Map();

  /** The name of a type that is one of vmrun's own; undefined: it has none. */
  function nameOf(type) {
    const symbol = type.aliasSymbol ?? type.symbol;
    if (symbol === undefined || symbol.name.startsWith('__')) return undefined;
    const isOwn = symbol.declarations?.some((node) => node.getSourceFile().fileName.startsWith(`${src}${path.sep}`));
    return isOwn ? symbol : undefined;
  }

  function schemaOf(type) {
    const symbol = nameOf(type);
    if (symbol === undefined || isText(type)) return contentOf(type);
    const { name } = symbol;
    const known = defined.get(name);
    if (known === undefined) {
      defined.set(name, { type });
      defined.set(name, { type, schema: { ...described(symbol), ...contentOf(type) } });
    } else if (known.type !== type) throw new Error(`two types are called ${name}`);
    return { $ref: `#/$defs/${name}` };
  }

  /** A choice of words needs no definition. */
  const isText = (type) =>
    type.isUnion() && type.types.every((part) => part.flags & (ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike));

  /** The same as `schemaOf`, without a look at the name of the type. */
  function contentOf(type) {
    if (!type.isUnion()) return one(type);
    const parts = type.types.filter((part) => !(part.flags & ts.TypeFlags.Undefined));
    const isNull = parts.some((part) => part.flags & ts.TypeFlags.Null);
    const found = either(parts.filter((part) => !(part.flags & ts.TypeFlags.Null)));
    return isNull ? { oneOf: [{ type: 'null' }, found] } : found;
  }

  function either(parts) {
    if (parts.length > 1 && parts.every((part) => part.isLiteral())) {
      const values = parts.map(({ value }) => value).sort((a, b) => (a < b ? -1 : 1));
      return { type: typeof values[0] === 'number' ? 'integer' : 'string', enum: values };
    }
    if (parts.length === 2 && parts.every((part) => part.flags & ts.TypeFlags.BooleanLiteral))
      return { type: 'boolean' };
    // The compiler has them in an order of its own.
    const found = parts.map(schemaOf).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return found.length === 1 ? found[0] : { oneOf: found };
  }

  function one(type) {
    if (type.isLiteral()) return { const: type.value };
    if (type.flags & ts.TypeFlags.BooleanLiteral) return { const: checker.typeToString(type) === 'true' };
    if (type.flags & ts.TypeFlags.String) return { type: 'string' };
    if (type.flags & ts.TypeFlags.Number) return { type: 'number' };
    if (checker.isArrayType(type)) return { type: 'array', items: schemaOf(checker.getTypeArguments(type)[0]) };
    if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return objectOf(type);
    throw new Error(`no schema says ${checker.typeToString(type)}`);
  }

  function objectOf(type) {
    const members = checker.getPropertiesOfType(type).toSorted(byPlace);
    const rest = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    const isOptional = (member) => (member.flags & ts.SymbolFlags.Optional) !== 0;
    const required = members.filter((member) => !isOptional(member)).map(({ name }) => name);
    const properties = members.map((member) => [
      member.name,
      { ...described(member), ...schemaOf(checker.getTypeOfSymbol(member)) },
    ]);
    return {
      type: 'object',
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(required.length === 0 ? {} : { required }),
      ...(rest === undefined ? {} : { additionalProperties: schemaOf(rest.type) }),
    };
  }

  function described(symbol) {
    const words = wordsOf(symbol, checker);
    return words === '' ? {} : { description: words };
  }

  const definitions = () =>
    Object.fromEntries([...defined].map(([name, { schema }]) => [name, schema]).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { contentOf, schemaOf, definitions };
}

/** A comment on one line, without its tags. */
const wordsOf = (symbol, checker) =>
  ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll(/\s+/g, ' ').trim();

/** As they stand in the sources: a mapped type has its members in an order of the compiler's. */
function byPlace(a, b) {
  const [one, other] = [a, b].map(({ name, declarations: [node] = [] }) =>
    node === undefined ? { file: '', at: 0, name } : { file: node.getSourceFile().fileName, at: node.pos, name },
  );
  const inOrder = (first, second) => (first === second ? 0 : first < second ? -1 : 1);
  return inOrder(one.file, other.file) || one.at - other.at || inOrder(one.name, other.name);
}
