import { singleDrive } from './ahci-port.js';

export const ahciHd = singleDrive('hd', 'disk', 'disk.img');
