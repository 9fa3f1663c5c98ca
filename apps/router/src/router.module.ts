import { type DynamicModule, Module } from '@nestjs/common';
import { DnsController } from './dns/dns.controller.js';
import { RouterService } from './router.service.js';
import { ROUTER_CONFIG, type RouterConfig } from './router-config.js';
import { ShutdownController } from './shutdown/shutdown.controller.js';
import { MarathonLbController } from './status/marathon-lb.controller.js';
import { StatusController } from './status/status.controller.js';

@Module({
  controllers: [DnsController, MarathonLbController, ShutdownController, StatusController],
  providers: [RouterService],
})
export class RouterModule {}

/** The router as configured. */
export const routerModule = (config: RouterConfig): DynamicModule => ({
  module: RouterModule,
  providers: [{ provide: ROUTER_CONFIG, useValue: config }],
});
