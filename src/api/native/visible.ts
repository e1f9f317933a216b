import { rootGroup } from '../../manager/accounts/grants.js';
import type { ManagerEvent } from '../../manager/manager-events.js';
import type { Operation } from '../../manager/operations.js';
import type { Role } from '../../manager/accounts/grants.js';
import type { VmView } from '../../manager/vm-view.js';
import { httpError } from '../../server/http-error.js';
import type { Visitor } from '../../server/route.js';
import { lacksRole } from '../../server/visitor.js';
import type { NativeSite } from './site.js';

/** @throws HttpError 404: it has gone since the right to it was looked at */
export function vmOf({ manager }: Pick<NativeSite, 'manager'>, name: string): VmView {
  const view = manager.vm(name);
  if (view === undefined) throw httpError(404, 'unknown-vm', `there is no VM ${JSON.stringify(name)}`);
  return view;
}

/** Of one that has been gone for long nobody knows the group any more. */
const groupOf = ({ manager }: NativeSite, vm: string): string => manager.groupOf(vm) ?? rootGroup;

export const mayOnVm = (site: NativeSite, asker: Visitor, role: Role, vm: string): boolean =>
  asker.may(role, groupOf(site, vm));

/** Whether somebody gets to see an event. */
export const seesEvent = (site: NativeSite, asker: Visitor, event: ManagerEvent): boolean => {
  if (event.kind === 'gap') return true;
  const { vm } = event;
  return vm === undefined ? asker.may('view', rootGroup) : mayOnVm(site, asker, 'view', vm);
};

/** @throws HttpError 404 where it is not known, or not to this asker; 403 where he may only see it */
export function operationOf(site: NativeSite, asker: Visitor, id: string, role: Role): Operation {
  const operation = site.manager.operations.get(id);
  if (operation === undefined || !mayOnVm(site, asker, 'view', operation.vm))
    throw httpError(
      404,
      'unknown-operation',
      `there is no operation ${JSON.stringify(id)}`,
      'one is known for 24 hours after its end',
    );
  if (!mayOnVm(site, asker, role, operation.vm))
    throw lacksRole(asker, role, groupOf(site, operation.vm), operation.vm);
  return operation;
}
