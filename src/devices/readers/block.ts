import { type FieldReader } from './reader.js';

/** Two sizes, `512/4096`, are text. */
export const sectorsize: FieldReader = {
  variable: 'sectorsize',
  read: (value) => (/^[1-9]\d{0,7}$/.test(value) ? Number(value) : value),
};
