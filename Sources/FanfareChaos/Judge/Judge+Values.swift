extension Judge {
    /// Counts of the run.
    package struct Counts: Sendable, Equatable {
        package var deliveries = 0
        package var acknowledged = 0
        /// Publishes of which nobody knows what became.
        package var unknown = 0
        /// Subscriptions that went on with what was missed.
        package var recovered = 0
        /// Clients' channels that began anew because the node said so.
        package var told = 0
        /// Acknowledged, not seen by anyone, and gone with Redis' data: nobody could be told more.
        package var wiped = 0
    }

    /// A place in a stream.
    package struct Position: Sendable, Equatable, CustomStringConvertible {
        package var epoch: String
        package var offset: UInt64

        package init(epoch: String, offset: UInt64) {
            self.epoch = epoch
            self.offset = offset
        }

        package var description: String { "\(offset).\(epoch)" }
    }
}
