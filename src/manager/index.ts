export { createManager } from './create-manager.js';
export type { ManagerOptions } from './options.js';
export type {
  Asker,
  Ending,
  Manager,
  ReloadOutcome,
  SpecSourceText,
  StartRequest,
  StopRequest,
  WrittenSpec,
} from './manager.js';
export type { ManagerEvent, ManagerEventBody, ManagerEvents } from './manager-events.js';
export type { Operation, OperationKind, Operations } from './operations.js';
export type { SpecView, VmState, VmView, Wanted } from './vm-view.js';
export { openStateFolder, type StateFolder } from '../host/files/state-folder.js';
