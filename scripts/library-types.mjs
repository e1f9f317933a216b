// The types of the library: what its users' compilers read, and what the schemas of its documents are made of.
import path from 'node:path';
import ts from 'typescript';

/** The types of the library as the compiler has them. */
export function libraryProgram(root) {
  const read = ts.readConfigFile(path.join(root, 'tsconfig.types.json'), (file) => ts.sys.readFile(file));
  const { options, fileNames } = ts.parseJsonConfigFileContent(read.config, ts.sys, root);
  return ts.createProgram(fileNames, options);
}

/** Writes the declarations. @throws Error that has every mistake that the compiler finds */
export function emitTypes(program) {
  const found = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  if (found.length === 0) return;
  const host = {
    getCanonicalFileName: (file) => file,
    getCurrentDirectory: () => program.getCurrentDirectory(),
    getNewLine: () => '\n',
  };
  throw new Error(ts.formatDiagnostics(found, host));
}
