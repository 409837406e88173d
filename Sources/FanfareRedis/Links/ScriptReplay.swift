import FanfareWire

/// What a link does when Redis has forgotten the scripts (`SCRIPT FLUSH`, a failover within one connection): orders that were
/// under way come back as unknown, while others behind them may have been carried out, plain ones or such whose script
/// another node has loaded meanwhile.
///
/// So that a channel's publications keep their order, nothing new is sent until all that was under way is answered; then the
/// unknown ones go again, in their order, and the new ones behind them. One whose channel was changed behind it meanwhile is
/// too late: it fails, as something that was never done. A pure state machine.
struct ScriptReplay<Order> {
    private var again: [Order?] = []
    /// Indices in `again` of orders that change that channel.
    private var waiting: [ChannelName: [Int]] = [:]
    private var held: [Order] = []
    private(set) var isActive = false

    /// Redis did not know the order's script.
    ///
    /// - Parameter channel: the channel in which it changes something.
    mutating func refused(_ order: Order, channel: ChannelName?) {
        isActive = true
        if let channel { waiting[channel, default: []].append(again.count) }
        again.append(order)
    }

    /// An order behind them was carried out in that channel. Returns those that come too late.
    mutating func overtaken(in channel: ChannelName) -> [Order] {
        guard let indices = waiting.removeValue(forKey: channel) else { return [] }
        return indices.compactMap { index in
            defer { again[index] = nil }
            return again[index]
        }
    }

    /// Keeps new orders back. Returns whether it does.
    mutating func hold(_ orders: [Order]) -> Bool {
        guard isActive else { return false }
        held += orders
        return true
    }

    /// All is answered: what goes again, and what was kept back. Begins anew.
    mutating func take() -> (again: [Order], held: [Order]) {
        defer { self = ScriptReplay() }
        return (again.compactMap(\.self), held)
    }
}
