import { singleDrive } from './ahci-port.js';

export const ahciCd = singleDrive('cd', 'CD drive', 'install.iso');
