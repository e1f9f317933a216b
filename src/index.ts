/** vmrun as a library: specs in, running VMs out. Nothing here prints, exits or installs signal handlers. */
export { plan, type PlanOptions } from './machine/plan.js';
export { loadSpecText } from './machine/load-spec.js';
