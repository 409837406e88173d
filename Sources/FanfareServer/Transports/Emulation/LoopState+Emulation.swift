import FanfareWire

/// Messages to sessions of this loop that came by requests of their own.
extension LoopState {
    /// Hands them out. What they say is begun in their clients' turns: this is a look into the directory for each.
    func visitEmulated() {
        for message in emulated.take() {
            let client = directory[ExactText(message.session.client.description)]
            let transport = client?.transport as? EmulatedTransport
            let outcome = transport?.take(message.payload, for: message.session) ?? .gone
            if outcome == .taken { metrics.counters.add(.emulatedMessages) }
            message.answer(outcome)
        }
        flush()
    }
}
