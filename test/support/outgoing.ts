import { type Outgoing, outgoingId } from '../../bot/outgoing.ts';

/** A reply that waits to be sent by SMTP, by name; `part` says what is otherwise. */
export function outgoing(name: string, part: Partial<Outgoing> = {}): Outgoing {
  return {
    id: outgoingId(`${name}@bot.example`),
    messageId: `${name}@bot.example`,
    kind: 'reply',
    via: 'smtp',
    from: 'bot@bot.example',
    recipients: ['list@example.org', 'bot@bot.example'],
    subject: 'Re: [PATCH] x',
    answers: `patch-of-${name}@example.org`,
    maintainers: ['jane@example.org'],
    allowedBy: 'maintainer jane@example.org',
    addedAt: '2026-11-22T10:00:00.000Z',
    ...part,
  };
}
