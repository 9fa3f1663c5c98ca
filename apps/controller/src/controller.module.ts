import type { DynamicModule } from '@nestjs/common';
import { AppController } from './apps/app.controller.js';
import { AppViews } from './apps/app-views.js';
import { AppsController } from './apps/apps.controller.js';
import { AppsService } from './apps/apps.service.js';
import { CertificatesController } from './certificates/certificates.controller.js';
import { RootWriter } from './changes/root-writer.js';
import { DeploymentsController } from './deployments/deployments.controller.js';
import { EventHub } from './events/event-hub.js';
import { EventsController } from './events/events.controller.js';
import { GroupViews } from './groups/group-views.js';
import { GroupsController } from './groups/groups.controller.js';
import { GroupsService } from './groups/groups.service.js';
import { AllPodsController } from './pods/all-pods.controller.js';
import { PodsController } from './pods/pods.controller.js';
import { PodsService } from './pods/pods.service.js';
import { QueueController } from './queue/queue.controller.js';
import { RoutersController } from './routers/routers.controller.js';
import { RoutesController } from './routes/routes.controller.js';
import { RoutesService } from './routes/routes.service.js';
import { ControllerRuntime } from './runtime/controller-runtime.js';
import { AgentLocator } from './sandbox/agent-locator.js';
import { ExecController } from './sandbox/exec.controller.js';
import { SandboxController } from './sandbox/sandbox.controller.js';
import { SystemController } from './system/system.controller.js';
import { TaskKillService } from './tasks/task-kill.service.js';
import { TasksController } from './tasks/tasks.controller.js';

/** The controller's root module marker. */
class ControllerModule {}

/** The REST API and the event stream in front of a runtime; everything behind it comes in by the runtime. */
export const controllerModule = (runtime: ControllerRuntime): DynamicModule => ({
  module: ControllerModule,
  controllers: [
    AppsController,
    AppController,
    GroupsController,
    DeploymentsController,
    TasksController,
    SandboxController,
    ExecController,
    QueueController,
    RoutersController,
    RoutesController,
    CertificatesController,
    AllPodsController,
    PodsController,
    SystemController,
    EventsController,
  ],
  providers: [
    { provide: ControllerRuntime, useValue: runtime },
    RootWriter,
    AppViews,
    AppsService,
    GroupViews,
    GroupsService,
    TaskKillService,
    PodsService,
    RoutesService,
    AgentLocator,
    EventHub,
  ],
});
