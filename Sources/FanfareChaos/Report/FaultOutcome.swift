/// One fault and what it took.
package struct FaultOutcome: Sendable, Encodable {
    package let number: Int
    package let fault: Fault
    /// The node it was about, where it was about one.
    package let node: Int?
    /// Seconds since the run began.
    package let began: Double
    /// Seconds from its beginning to its end.
    package let lasted: Double
    /// Seconds until no node was ready; `nil` where that was not seen.
    package var found: Double?
    /// Seconds from its end until all nodes were ready.
    package var ready: Double?
    /// Seconds from its end until all clients had all their subscriptions.
    package var subscribed: Double?
    /// Seconds from its end until publications from after it had reached all clients.
    package var healed: Double?
    /// Clients' channels that were told to begin anew.
    package var told = 0
}
