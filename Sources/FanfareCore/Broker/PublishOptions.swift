import FanfareWire

/// How a publication is published, beside what it is. A new option is a property with a default here and a line in the brokers
/// that it concerns.
public struct PublishOptions: Sendable, Equatable {
    /// A second publish to the same channel with the same key within ``IdempotencyKey/lifetime`` publishes nothing and gets the
    /// receipt of the first; `nil`: every publish is one.
    public var idempotencyKey: String?
    /// For how long Redis knows that key.
    public var idempotencyLifetime = IdempotencyKey.lifetime
    /// The client that does not hear it, wherever that client is; `nil`: all hear it. It travels with the publication and is
    /// kept with it, so a repaired gap or a recovery leaves it out for that client, too, as long as it has that id.
    public var excludedClient: ClientID?

    public init(idempotencyKey: String? = nil, excludedClient: ClientID? = nil) {
        self.idempotencyKey = idempotencyKey
        self.excludedClient = excludedClient
    }
}

/// For how long a broker knows an idempotency key.
public enum IdempotencyKey {
}
