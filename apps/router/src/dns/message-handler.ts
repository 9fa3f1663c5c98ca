export type Transport = 'udp' | 'tcp';

/** Who sent a message, and how. */
export interface MessageOrigin {
  readonly address: string;
  readonly transport: Transport;
}

/** Takes one message; `reply` is called once, with nothing where nothing is to be answered. */
export type MessageHandler = (
  message: Buffer,
  origin: MessageOrigin,
  reply: (bytes: Buffer | undefined) => void,
) => void;
