import type ts from 'typescript';

export function libraryProgram(root: string): ts.Program;
