import type { FieldConnections } from './reader.js';

export const loaderConnections: FieldConnections = ({ needs, loader, isLoadedByOthers }) => {
  if (isLoadedByOthers) return [{ port: 'loader', name: 'loaded by others', notes: [] }];
  if (loader === undefined) return [];
  const images = needs.flatMap((need) =>
    need.kind === 'file' && need.pointer.startsWith('/loader/') ? [need.path] : [],
  );
  return [
    { port: 'loader', kind: 'program', name: loader, notes: [] },
    ...images.map((name) => ({ port: 'loader', kind: 'file', name, notes: [] })),
  ];
};
