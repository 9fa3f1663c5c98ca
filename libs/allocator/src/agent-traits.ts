/** What tells agents apart, besides what they have. */
export interface AgentTraits {
  readonly hostname: string;
  /** Only TEXT attributes carry a text. */
  readonly attributes: readonly { readonly name: string; readonly text?: string }[];
  readonly region?: string;
  readonly zone?: string;
  /**
   * Agent capabilities as Mesos names them; absent: all. Roles below another one are kept off agents without
   * HIERARCHICAL_ROLE.
   */
  readonly capabilities?: ReadonlySet<string>;
}
