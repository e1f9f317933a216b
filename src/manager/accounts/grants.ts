/** What somebody may do, from least to most; each may do what those before it may. */
export const roles = ['view', 'operate', 'admin'] as const;
/**
 * `view`: see everything but passwords. `operate`: start, stop, console, screen as well. `admin`: everything; on the root
 * group that includes specs, and who writes a spec is root on the host.
 */
export type Role = (typeof roles)[number];

/** A role on a group, and on every group below it. */
export interface Grant {
  /** Path in the tree of groups: `root`, `root/web`. */
  readonly group: string;
  readonly role: Role;
}

export const rootGroup = 'root';

/** For schemas, too: at most 16 levels. */
export const groupPattern = '^root(/[A-Za-z0-9][A-Za-z0-9_.-]{0,62}){0,15}$';
/** What is like that pattern. */
export const groupWords = 'root, or root/NAME and more names below it';

const isAtOrBelow = (group: string, top: string): boolean => group === top || group.startsWith(`${top}/`);

/** Whether somebody with these grants may do on a group what the role may. */
export const covers = (grants: readonly Grant[], role: Role, group: string): boolean =>
  grants.some((grant) => roles.indexOf(grant.role) >= roles.indexOf(role) && isAtOrBelow(group, grant.group));

/** The first grant that reaches further than these. */
export const widerThan = (grants: readonly Grant[], owner: readonly Grant[]): Grant | undefined =>
  grants.find(({ role, group }) => !covers(owner, role, group));
