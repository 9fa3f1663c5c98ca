import { type FrameworkId, present, type Resources, type RoleName } from '#core';
import { DrfSorter } from './drf-sorter.js';

/** A framework in one of its roles. */
export interface Leaf {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
}

/**
 * The order in which leaves are served: roles by dominant share, then the role's frameworks by theirs. Two levels
 * today; nested roles add levels here and nowhere else. Owns and mutates its state.
 */
export class ShareTree {
  private readonly totals = new Map<string, number>();
  private readonly roleSorter = new DrfSorter(this.totals);
  private readonly sorters = new Map<RoleName, DrfSorter>();

  /** Adds or takes away an agent's resources; all shares are computed anew before the next read. */
  changeTotals(amount: Resources, sign: 1 | -1): void {
    for (const [name, milli] of Object.entries(amount.scalars)) {
      const total = (this.totals.get(name) ?? 0) + sign * milli;
      if (total > 0) this.totals.set(name, total);
      else this.totals.delete(name);
    }
    this.roleSorter.totalsChanged();
    for (const sorter of this.sorters.values()) sorter.totalsChanged();
  }

  /** Adds an inactive leaf: its allocations count, it is not visited. */
  add(leaf: Leaf): void {
    this.ensureRole(leaf.role).add(leaf.frameworkId);
  }

  /** Its allocations are released before. */
  remove(leaf: Leaf): void {
    const sorter = this.sorters.get(leaf.role);
    sorter?.remove(leaf.frameworkId);
    if (sorter?.size !== 0) return;
    this.sorters.delete(leaf.role);
    this.roleSorter.remove(leaf.role);
  }

  setActive(leaf: Leaf, options: { readonly isActive: boolean }): void {
    const sorter = this.ensureRole(leaf.role);
    if (options.isActive) sorter.activate(leaf.frameworkId);
    else sorter.deactivate(leaf.frameworkId);
    if (sorter.activeCount > 0) this.roleSorter.activate(leaf.role);
    else this.roleSorter.deactivate(leaf.role);
  }

  setWeight(role: RoleName, weight: number): void {
    this.ensureRole(role);
    this.roleSorter.setWeight(role, weight);
  }

  /** `isNew` counts for the tie-break by number of allocations. */
  allocated(leaf: Leaf, amount: Resources, options: { readonly isNew: boolean }): void {
    const sorter = this.ensureRole(leaf.role);
    if (sorter.has(leaf.frameworkId)) {
      sorter.allocated(leaf.frameworkId, amount.scalars, options);
    }
    this.roleSorter.allocated(leaf.role, amount.scalars, options);
  }

  released(leaf: Leaf, amount: Resources): void {
    this.roleSorter.released(leaf.role, amount.scalars);
    this.sorters.get(leaf.role)?.released(leaf.frameworkId, amount.scalars);
  }

  /** Active leaves, lowest share first. Do not change the tree while iterating. */
  *inOrder(): Generator<Leaf> {
    for (const role of this.roleSorter.inOrder()) {
      for (const frameworkId of this.sorter(role as RoleName).inOrder()) {
        // The sorters hold what add() put there.
        yield { frameworkId: frameworkId as FrameworkId, role: role as RoleName };
      }
    }
  }

  /** Negative when `left` is served first. */
  compare(left: Leaf, right: Leaf): number {
    return left.role === right.role
      ? this.sorter(left.role).compare(left.frameworkId, right.frameworkId)
      : this.roleSorter.compare(left.role, right.role);
  }

  shareOfRole(role: RoleName): number {
    return this.roleSorter.share(role);
  }

  private sorter(role: RoleName): DrfSorter {
    return present(this.sorters.get(role), `role ${role} has no sorter`);
  }

  private ensureRole(role: RoleName): DrfSorter {
    const known = this.sorters.get(role);
    if (known !== undefined) return known;
    const sorter = new DrfSorter(this.totals);
    this.sorters.set(role, sorter);
    this.roleSorter.add(role);
    return sorter;
  }
}
