import { Controller, Delete, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPod } from '#core';
import { metricsRegistry, principalOf, type Role, roleOf } from '#platform';
import { DEFAULT_ENGINE_OPTIONS } from '../engine/engine-ports.js';
import { FAILOVER_TIMEOUT_SECONDS } from '../framework-info.js';
import { type Address, ControllerRuntime } from '../runtime/controller-runtime.js';
import { ANSWER_LIMIT_MS, CONNECT_LIMIT_MS } from '../runtime/leader-proxy.js';

/** The Marathon whose API we speak; clients choose features by it. */
const API_VERSION = '1.11.0';

/** So that the answer gets out before the process stops, as a supervisor would stop it, and releases its lease. */
const ABDICATION_DELAY_MS = 500;

const {
  longRefuseSeconds,
  reconcileIntervalMs,
  scaleCheckIntervalMs,
  launchConfirmTimeoutMs,
  launchTimeoutMs,
} = DEFAULT_ENGINE_OPTIONS;

/** What is fixed, by Marathon's names of it; milliseconds, but for `failover_timeout`. */
const CONFIGURED_TIMES = {
  failover_timeout: FAILOVER_TIMEOUT_SECONDS,
  decline_offer_duration: longRefuseSeconds * 1_000,
  reconciliation_interval: reconcileIntervalMs,
  scale_apps_interval: scaleCheckIntervalMs,
  task_launch_confirm_timeout: launchConfirmTimeoutMs,
  task_launch_timeout: launchTimeoutMs,
  leader_proxy_connection_timeout_ms: CONNECT_LIMIT_MS,
  leader_proxy_read_timeout_ms: ANSWER_LIMIT_MS,
} as const;

/** Who and what this controller is. */
@ApiTags('system')
@Controller()
export class SystemController {
  constructor(private readonly runtime: ControllerRuntime) {}

  @Get('v2/info')
  @ApiOperation({ summary: 'Version, leader and configuration' })
  info(): Readonly<Record<string, unknown>> {
    const { settings, engine } = this.runtime;
    const { rules } = settings;
    return {
      name: 'marathon',
      version: API_VERSION,
      buildref: `pacer-${settings.version}`,
      elected: true,
      leader: this.runtime.authority,
      frameworkId: engine.view.frameworkId() ?? null,
      marathon_config: {
        master: engine.view.masterUrl() ?? settings.masterUrls.join(','),
        ha: true,
        checkpoint: true,
        executor: '//cmd',
        features: [...rules.features].sort(),
        framework_name: 'pacer',
        hostname: this.runtime.address.host,
        local_port_min: rules.servicePorts.min,
        local_port_max: rules.servicePorts.max,
        mesos_role: rules.defaultRole,
        mesos_user: settings.taskUser,
        default_network_name: rules.defaultNetworkName ?? null,
        webui_url: this.runtime.origin,
        mesos_leader_ui_url: engine.view.masterUrl() ?? '',
        ...CONFIGURED_TIMES,
      },
      zookeeper_config: {},
      http_config: portsOf(this.runtime.address),
      pacer: {
        version: settings.version,
        masters: settings.masterUrls,
        apps: [...engine.view.root().apps.values()].filter((app) => !isPod(app)).length,
        revision: engine.view.root().revision,
      },
    };
  }

  @Get('v2/access')
  @ApiOperation({
    summary: 'Who is asking, and what the role allows; without credentials everything',
  })
  access(@Req() request: FastifyRequest): {
    readonly principal: string | null;
    readonly role: Role;
  } {
    const { engine: _loaded } = this.runtime;
    return { principal: principalOf(request.raw) ?? null, role: roleOf(request.raw) };
  }

  @Get('v2/leader')
  @ApiOperation({ summary: 'host:port of the controller that leads' })
  leader(): { readonly leader: string } {
    // Standby controllers proxy, so whoever is loaded and answers this leads.
    const { engine: _loaded, authority } = this.runtime;
    return { leader: authority };
  }

  @Delete('v2/leader')
  @ApiOperation({ summary: 'Gives leadership up; the process ends and starts again as standby' })
  abdicate(): { readonly message: string } {
    const { engine: _loaded } = this.runtime;
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), ABDICATION_DELAY_MS);
    return { message: 'Leadership abdicated' };
  }

  @Get('v2/plugins')
  @ApiOperation({ summary: 'Always empty: there are no plugins' })
  plugins(): { readonly plugins: readonly unknown[] } {
    return { plugins: [] };
  }

  @Get('metrics/prometheus')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    void reply.type(metricsRegistry.contentType).send(await metricsRegistry.metrics());
  }
}

const portsOf = ({ scheme, port }: Address) =>
  scheme === 'https'
    ? { http_port: null, https_port: port }
    : { http_port: port, https_port: null };
