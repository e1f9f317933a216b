import { unseen } from './visible.js';

/** A leading dash would be an option of every tool that is given the name; "." and ".." are no names in a folder. */
export const vmNamePattern = `^(?!\\.{1,2}$)[^\\s/%${unseen}-][^\\s/%${unseen}]{0,228}$`;

let expression: RegExp | undefined;

/** Whether a VM may be called so; what else is in a folder of run directories is none. */
export const isVmName = (name: string): boolean => (expression ??= new RegExp(vmNamePattern, 'u')).test(name);
