import type ts from 'typescript';

export function reportSchemas(root: string, program: ts.Program): ReadonlyMap<string, object>;
