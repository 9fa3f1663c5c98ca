import { Injectable } from '@nestjs/common';
import { type App, type AppId, type GroupId, isPod, type RootGroup } from '#core';
import { indexChildren, toWireGroupHead, toWirePod } from '#marathon-v2';
import { keyOfEmbeds } from '../apps/app-embeds.js';
import { AppViews } from '../apps/app-views.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import type { GroupEmbeds } from './group-embeds.js';

type Children = ReturnType<typeof indexChildren>;

interface RenderedGroup {
  readonly text: string;
  /** The newest version at or below. */
  readonly version: string;
}

interface RenderedTree {
  /** Groups without apps change the root only. */
  readonly root: RootGroup;
  readonly counter: number;
  readonly body: Buffer;
}

/** Rendered trees kept, one per group and combination of embeds. */
const MAX_TREES = 8;

/** Groups as JSON text, made of the texts of their apps. A tree is made once per change of anything shown. */
@Injectable()
export class GroupViews {
  private readonly children = new WeakMap<RootGroup, Children>();
  private readonly trees = new Map<string, RenderedTree>();

  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly views: AppViews,
  ) {}

  /** A group as it is now. */
  current(id: GroupId, embeds: GroupEmbeds): Buffer {
    const { view } = this.runtime.engine;
    const counter = view.totalChangeCounter();
    const { ofApps, groups, apps, pods } = embeds;
    const key = [id, groups, apps, pods, keyOfEmbeds(ofApps)].join(' ');
    const known = this.trees.get(key);
    const root = view.root();
    const isCurrent = known?.counter === counter && known.root === root;
    if (isCurrent && !ofApps.taskStats) return known.body;
    const body = Buffer.from(this.render(root, id, embeds, { live: true }));
    if (!this.trees.has(key) && this.trees.size >= MAX_TREES) this.trees.clear();
    this.trees.set(key, { root, counter, body });
    return body;
  }

  /** A group with what is below it. `live: false` shows the definitions of an earlier root, without embeds of apps. */
  render(
    root: RootGroup,
    id: GroupId,
    embeds: GroupEmbeds,
    options: { readonly live: boolean },
  ): string {
    const children = this.children.get(root) ?? indexChildren(root);
    this.children.set(root, children);
    const renderApp = (app: App): string =>
      options.live ? this.views.one(app, embeds.ofApps) : this.views.definition(app);
    return this.renderTree({ root, children, embeds, renderApp }, id).text;
  }

  private renderTree(
    context: {
      readonly root: RootGroup;
      readonly children: Children;
      readonly embeds: GroupEmbeds;
      readonly renderApp: (app: App) => string;
    },
    id: GroupId,
  ): RenderedGroup {
    const { root, children, embeds, renderApp } = context;
    const group = root.groups.get(id);
    const below = children.get(id);
    const all = (below?.apps ?? []).flatMap((app: AppId) => root.apps.get(app) ?? []);
    const apps = all.filter((app) => !isPod(app));
    const pods = all.filter(isPod);
    const groups = (below?.groups ?? []).map((child) => this.renderTree(context, child));
    const own = id === '/' ? root.version : (group?.version ?? '');
    const version = [...all, ...groups].map((one) => one.version).reduce(laterOf, own);
    const head = JSON.stringify(
      toWireGroupHead(group ?? { id, dependencies: [], enforceRole: false, version }),
    );
    const fields = [
      ...(embeds.apps ? [`"apps":[${apps.map(renderApp).join(',')}]`] : []),
      ...(embeds.groups ? [`"groups":[${groups.map(({ text }) => text).join(',')}]`] : []),
      ...(embeds.pods ? [`"pods":${JSON.stringify(pods.map(toWirePod))}`] : []),
      `"version":${JSON.stringify(version)}`,
    ];
    return { text: `${head.slice(0, -1)},${fields.join(',')}}`, version };
  }
}

/** Versions are ISO times of one form, so their order is that of texts. */
const laterOf = (left: string, right: string): string => (left < right ? right : left);
