import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';

export class ShutdownDto {
  @ApiPropertyOptional({
    description: 'End all tasks first (at most 15 s); else they go on running',
  })
  @IsOptional()
  @IsBoolean()
  killTasks?: boolean;
}
