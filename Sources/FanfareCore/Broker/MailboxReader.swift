/// Reads a mailbox a part at a time: what one visit leaves over is the next visit's first.
///
/// Whoever posts wakes the owner once for all that is posted until the owner takes it. So a visit that only ends the rest of an earlier
/// one has not seen what was posted since, and nobody wakes the owner for that again: ``end()`` says so. Lives on the owner's loop.
public struct MailboxReader<Event: Sendable> {
    private let mailbox: Mailbox<Event>
    private var events: [Event] = []
    private var index = 0
    /// Whether this visit took what was posted.
    private var hasTaken = false

    public init(_ mailbox: Mailbox<Event>) { self.mailbox = mailbox }

    /// The next event, in the order in which they were posted; `nil`: this visit has seen all.
    public mutating func next() -> Event? {
        if index == events.count {
            guard !hasTaken else { return nil }
            empty()
            mailbox.take(into: &events)
            hasTaken = true
            guard !events.isEmpty else { return nil }
        }
        defer { index += 1 }
        return events[index]
    }

    /// Ends the visit. Returns whether nothing is left: only what is posted from now on wakes the owner. Otherwise it has to come
    /// again by itself.
    public mutating func end() -> Bool {
        let isDone = hasTaken && index == events.count
        hasTaken = false
        if index == events.count { empty() }
        return isDone
    }

    /// Keeps the room of a usual burst for the next one, and no more.
    private mutating func empty() {
        events.removeAll(keepingCapacity: events.capacity <= 1_024)
        index = 0
    }
}
