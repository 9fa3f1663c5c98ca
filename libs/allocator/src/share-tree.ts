import { assert, present, type Resources, type RoleName } from '#core';
import { addScalars, type Quantities, type Sums, toQuantities } from './quantities.js';
import { compareSiblings, createShareNode, positionOf, type ShareNode } from './share-node.js';

/** The virtual leaf of a role: its own frameworks, which compete with the roles below it as one. */
const OWN = '.';

/**
 * Hierarchical dominant resource fairness. Roles are a tree by `/`; siblings are compared with siblings only, by
 * weighted dominant share, then fewer allocations, then name. A role's own frameworks stand under a virtual leaf `.`.
 * Inactive leaves count and are never visited.
 *
 * Each level is a sorted array: a change moves one node per level, O(depth * log n) comparisons. A change of the
 * totals rescales every share, so each level is put in order anew when it is next read, not before. Owns and mutates
 * its state.
 */
export class ShareTree<Leaf extends object> {
  private readonly root = createShareNode<Leaf>({ name: '', parent: undefined });
  private readonly totals: Sums = new Map();
  private readonly weights = new Map<RoleName, number>();
  private readonly excluded: ReadonlySet<string>;
  private version = 0;

  /** `excluded`: names of resources that do not count in shares. */
  constructor(excluded: readonly string[] = []) {
    this.excluded = new Set(excluded);
  }

  /** Adds or takes away an agent's resources. O(keys); levels are sorted anew when next read. */
  changeTotals(amount: Resources, sign: 1 | -1): void {
    addScalars(this.totals, amount, sign);
    this.version += 1;
  }

  /** Everything the agents have, by name. */
  capacity(): Quantities {
    return toQuantities(this.totals);
  }

  /** Adds an inactive leaf of a role, by a name that is unique within the role. */
  add(role: RoleName, name: string, leaf: Leaf): ShareNode<Leaf> {
    const group = this.ensureGroup(role);
    const node = createShareNode({ name, parent: group, leaf });
    group.children.set(name, node);
    return node;
  }

  /** What it still has allocated is taken from its role too. */
  remove(node: ShareNode<Leaf>): void {
    this.setActive(node, { isActive: false });
    const rest = [...node.allocated];
    for (let at = node.parent; at?.parent !== undefined; at = at.parent) {
      this.change(at, (each) => {
        for (const [name, milli] of rest) {
          const left = (each.allocated.get(name) ?? 0) - milli;
          if (left > 0) each.allocated.set(name, left);
          else each.allocated.delete(name);
        }
      });
    }
    node.parent?.children.delete(node.name);
    for (let at = node.parent; at?.parent !== undefined && at.children.size === 0; at = at.parent) {
      at.parent.children.delete(at.name);
    }
  }

  /** Active leaves are visited; what the others have allocated still counts for their roles. */
  setActive(node: ShareNode<Leaf>, { isActive }: { readonly isActive: boolean }): void {
    if (node.activeLeaves > 0 === isActive) return;
    const step = isActive ? 1 : -1;
    for (let at: ShareNode<Leaf> | undefined = node; at !== undefined; at = at.parent) {
      const before = at.activeLeaves;
      if (before > 0 && before + step === 0) this.take(at);
      at.activeLeaves = before + step;
      if (before === 0) this.insert(at);
    }
  }

  /** Weight of a role at any level, > 0: twice the weight, half the share. Kept for roles that are to come. */
  setWeight(role: RoleName, weight: number): void {
    assert(weight > 0, `weight of ${role} is ${weight}, not above 0`);
    this.weights.set(role, weight);
    const node = this.roleNode(role);
    if (node !== undefined) {
      this.change(node, (each) => {
        each.weight = weight;
      });
    }
  }

  weightOf(role: RoleName): number {
    return this.weights.get(role) ?? 1;
  }

  weightedRoles(): Iterable<RoleName> {
    return this.weights.keys();
  }

  /** `isNew` counts as one more allocation for the tie-break; adopting what ran before a fail-over does not. */
  allocated(
    node: ShareNode<Leaf>,
    amount: Resources,
    { isNew }: { readonly isNew: boolean },
  ): void {
    for (let at = node; at.parent !== undefined; at = at.parent) {
      this.change(at, (each) => {
        addScalars(each.allocated, amount, 1);
        if (isNew) each.allocations += 1;
      });
    }
  }

  released(node: ShareNode<Leaf>, amount: Resources): void {
    for (let at = node; at.parent !== undefined; at = at.parent) {
      this.change(at, (each) => addScalars(each.allocated, amount, -1));
    }
  }

  /**
   * The first active leaf that `accepts`, lowest share first; roles that `enters` refuses are passed over with their
   * frameworks, but not the roles below them. The tree must not change meanwhile.
   */
  find(enters: (role: RoleName) => boolean, accepts: (leaf: Leaf) => boolean): Leaf | undefined {
    return this.findBelow(this.root, enters, accepts);
  }

  /** Active leaves in order, for reading and tests. O(leaves). */
  inOrder(): readonly Leaf[] {
    const leaves: Leaf[] = [];
    this.find(
      () => true,
      (leaf) => {
        leaves.push(leaf);
        return false;
      },
    );
    return leaves;
  }

  /** Negative when `left` is served first. Both are active. O(depth). */
  compare(left: ShareNode<Leaf>, right: ShareNode<Leaf>): number {
    const leftPath = pathOf(left);
    const rightPath = pathOf(right);
    for (let depth = 1; depth < leftPath.length; depth += 1) {
      const mine = present(leftPath[depth], 'a path has no holes');
      const other = rightPath[depth];
      if (other === undefined || mine === other) continue;
      this.refresh(present(mine.parent, 'only the root has no parent'));
      return compareSiblings(mine, other);
    }
    return 0;
  }

  /** Weighted dominant share, 0..1 and above when over-committed. */
  shareOf(node: ShareNode<Leaf>): number {
    let dominant = 0;
    for (const [name, milli] of node.allocated) {
      const total = this.totals.get(name) ?? 0;
      if (total > 0 && milli / total > dominant && !this.excluded.has(name)) {
        dominant = milli / total;
      }
    }
    return dominant / node.weight;
  }

  /** 0 for a role without frameworks. */
  shareOfRole(role: RoleName): number {
    const node = this.roleNode(role);
    return node === undefined ? 0 : this.shareOf(node);
  }

  /** Allocated to the frameworks of a role and of those below it. */
  allocatedToRole(role: RoleName): ReadonlyMap<string, number> {
    return this.roleNode(role)?.allocated ?? new Map();
  }

  private findBelow(
    node: ShareNode<Leaf>,
    enters: (role: RoleName) => boolean,
    accepts: (leaf: Leaf) => boolean,
  ): Leaf | undefined {
    if (node.role !== undefined && !enters(node.role)) return undefined;
    this.refresh(node);
    for (const child of node.sorted) {
      const { leaf } = child;
      if (leaf === undefined) {
        const found = this.findBelow(child, enters, accepts);
        if (found !== undefined) return found;
      } else if (accepts(leaf)) return leaf;
    }
    return undefined;
  }

  private change(node: ShareNode<Leaf>, apply: (node: ShareNode<Leaf>) => void): void {
    const level = node.parent;
    const isInOrder = node.activeLeaves > 0 && level?.sortedAt === this.version;
    const isAlone = level?.sorted.length === 1;
    if (isInOrder && !isAlone) this.take(node);
    apply(node);
    if (isInOrder && !isAlone) this.insert(node);
    else if (isInOrder) node.share = this.shareOf(node);
  }

  private insert(node: ShareNode<Leaf>): void {
    const level = node.parent;
    if (level?.sortedAt !== this.version) return;
    node.share = this.shareOf(node);
    level.sorted.splice(positionOf(level.sorted, node), 0, node);
  }

  private take(node: ShareNode<Leaf>): void {
    const level = node.parent;
    if (level?.sortedAt !== this.version) return;
    const index = positionOf(level.sorted, node);
    assert(level.sorted[index] === node, `${node.name} is not where the tree looks for it`);
    level.sorted.splice(index, 1);
  }

  /** Puts a level in order when the totals have changed since it was. */
  private refresh(level: ShareNode<Leaf>): void {
    if (level.sortedAt === this.version) return;
    level.sorted = [];
    for (const child of level.children.values()) {
      if (child.activeLeaves === 0) continue;
      child.share = this.shareOf(child);
      level.sorted.push(child);
    }
    level.sorted.sort(compareSiblings);
    level.sortedAt = this.version;
  }

  private ensureGroup(role: RoleName): ShareNode<Leaf> {
    let node = this.root;
    let path = '';
    for (const segment of role.split('/')) {
      path = path === '' ? segment : `${path}/${segment}`;
      // A prefix of a role is a role.
      const weight = this.weightOf(path as RoleName);
      node = ensureChild(node, { name: segment, weight });
    }
    return ensureChild(node, { name: OWN, role });
  }

  private roleNode(role: RoleName): ShareNode<Leaf> | undefined {
    let node: ShareNode<Leaf> | undefined = this.root;
    for (const segment of role.split('/')) node = node?.children.get(segment);
    return node;
  }
}

function ensureChild<Leaf>(
  parent: ShareNode<Leaf>,
  given: { readonly name: string; readonly role?: RoleName; readonly weight?: number },
): ShareNode<Leaf> {
  const known = parent.children.get(given.name);
  if (known !== undefined) return known;
  const child = createShareNode<Leaf>({ ...given, parent });
  parent.children.set(given.name, child);
  return child;
}

/** From the root to the node. */
function pathOf<Leaf>(node: ShareNode<Leaf>): readonly ShareNode<Leaf>[] {
  const path: ShareNode<Leaf>[] = [];
  for (let at: ShareNode<Leaf> | undefined = node; at !== undefined; at = at.parent)
    path.unshift(at);
  return path;
}
