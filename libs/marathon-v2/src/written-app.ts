import type { App, Container, PortMapping } from '#core';

/** The container as written; host ports are filled in once the network mode is known. */
export interface ContainerFields extends Omit<Container, 'portMappings'> {
  readonly portMappings?: readonly PortMapping[];
}

/**
 * An app definition as written, every field optional and already in today's form, but without defaults: those depend on
 * other fields and on where the app lives.
 */
export type AppFields = {
  readonly [Field in Exclude<
    keyof App,
    'id' | 'version' | 'versionInfo' | 'container' | 'pod'
  >]?: App[Field];
} & { readonly container?: ContainerFields };

export type DockerNetwork = 'BRIDGE' | 'HOST' | 'NONE' | 'USER';

/** The deprecated `ipAddress`: a network of the task's own. */
export interface IpAddressFields {
  readonly networkName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly discoveryPorts: readonly {
    readonly number: number;
    readonly name: string;
    readonly protocol: string;
  }[];
}

/** Older ways of saying what other fields say today. */
export interface LegacyFields {
  readonly ports?: readonly number[];
  readonly uris?: readonly string[];
  readonly ipAddress?: IpAddressFields;
  readonly dockerNetwork?: DockerNetwork;
  readonly dockerPortMappings?: readonly PortMapping[];
}

/** What a request says about one app: today's fields, and older forms still to be converted. */
export interface WrittenApp {
  readonly fields: AppFields;
  readonly legacy: LegacyFields;
}
