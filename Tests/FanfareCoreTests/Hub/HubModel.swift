/// What a shard should do, in dictionaries: who is in which channel, who waits, and what everyone must have got.
struct HubModel {
    struct Channel {
        /// The broker's name for the subscription.
        let ticket: UInt64
        /// Whether the broker confirmed.
        var isActive = false
        /// Clients in it or waiting for it, with the number of their request.
        var members: [Int: UInt32] = [:]
    }

    /// Channels with somebody in them: what the broker must be subscribed to.
    private(set) var channels: [Int: Channel] = [:]
    /// Client → the answers to its requests that it must have got since they were last compared.
    var answers: [Int: [HubModelMember.Answer]] = [:]
    /// Client → channel → the numbers that it must have got in this tick.
    private var tick: [Int: [Int: [Int]]] = [:]
    private(set) var deliveries = 0
    private var lastTicket: UInt64 = 0

    var subscriptions: Int {
        var count = 0
        for channel in channels.values where channel.isActive { count += channel.members.count }
        return count
    }

    func isMember(_ client: Int, _ channel: Int) -> Bool { channels[channel]?.members[client] != nil }

    mutating func subscribe(_ client: Int, _ channel: Int, _ request: UInt32) {
        if channels[channel] == nil {
            lastTicket += 1
            channels[channel] = Channel(ticket: lastTicket)
        }
        channels[channel]?.members[client] = request
        if channels[channel]?.isActive == true { answers[client, default: []].append(.init(channel, request, true)) }
    }

    mutating func unsubscribe(_ client: Int, _ channel: Int) {
        channels[channel]?.members[client] = nil
        if channels[channel]?.members.isEmpty == true { channels[channel] = nil }
    }

    mutating func leave(_ client: Int) {
        for channel in channels.keys { unsubscribe(client, channel) }
        tick[client] = nil
    }

    /// The broker's answer, which counts only for the subscription that it was asked for. Returns whether it does.
    mutating func answer(_ channel: Int, _ ticket: UInt64, _ isConfirmed: Bool) -> Bool {
        guard let state = channels[channel], state.ticket == ticket, !state.isActive else { return false }
        for (client, request) in state.members {
            answers[client, default: []].append(.init(channel, request, isConfirmed))
        }
        if isConfirmed { channels[channel]?.isActive = true } else { channels[channel] = nil }
        return true
    }

    mutating func publish(_ channel: Int, _ number: Int) {
        guard let state = channels[channel], state.isActive else { return }
        for client in state.members.keys { tick[client, default: [:]][channel, default: []].append(number) }
    }

    /// What everyone must get out of the tick that ends here.
    mutating func flush() -> [Int: [Int: [Int]]] {
        defer { tick = [:] }
        for channels in tick.values { for numbers in channels.values { deliveries += numbers.count } }
        return tick
    }
}
