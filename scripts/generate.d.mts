import type ts from 'typescript';

/** `docs/openapi.json` as it is to be. @param program of the library */
export function openApiText(root: string, program: ts.Program): Promise<string>;
