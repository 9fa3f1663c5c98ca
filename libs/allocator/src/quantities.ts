/** Scalar resources by name, whatever their traits, in thousandths. */
export type Quantities = Readonly<Record<string, number>>;
