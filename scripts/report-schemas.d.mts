import type ts from 'typescript';

export function reportSchemas(root: string, program: ts.Program): ReadonlyMap<string, object>;
export function apiSchemas(root: string, program: ts.Program): Readonly<Record<string, object>>;
