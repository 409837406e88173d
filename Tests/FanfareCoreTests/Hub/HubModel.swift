/// What a shard should do, in dictionaries: who is in which channel, who waits, and what everyone must have got.
struct HubModel {
    struct Subscription {
        let request: UInt32
        /// Whether the request comes before each of its publications.
        let hasLead: Bool
    }

    struct Channel {
        /// The broker's name for the subscription.
        let ticket: UInt64
        /// Whether the broker confirmed.
        var isActive = false
        /// Clients in it or waiting for it, with their subscriptions in the order of their requests.
        var members: [Int: [Subscription]] = [:]

        var subscriptions: Int { members.values.reduce(0) { $0 + $1.count } }
    }

    /// Numbers that a client gets, by channel, and by request for subscriptions with a lead. Those without can't be told apart
    /// and are all under `nil`, one behind the other.
    typealias Heard = [Ear: [Int]]

    struct Ear: Hashable {
        let channel: Int
        let request: UInt32?
    }

    /// A client has no subscription to a channel any more.
    struct End: Equatable, Comparable {
        let client: Int
        let channel: Int

        static func < (lhs: End, rhs: End) -> Bool { (lhs.client, lhs.channel) < (rhs.client, rhs.channel) }
    }

    /// Channels with somebody in them: what the broker must be subscribed to.
    private(set) var channels: [Int: Channel] = [:]
    /// Client → the answers to its requests that it must have got since they were last compared.
    var answers: [Int: [HubModelMember.Answer]] = [:]
    /// What must have been told of since then.
    var ended: [End] = []
    /// Client → channel → the numbers that it must have got in this turn.
    private var turn: [Int: [Int: [Int]]] = [:]
    private(set) var deliveries = 0
    private var lastTicket: UInt64 = 0

    var subscriptions: Int {
        channels.values.filter(\.isActive).reduce(0) { $0 + $1.subscriptions }
    }

    func requests(_ client: Int, _ channel: Int) -> [UInt32] {
        (channels[channel]?.members[client] ?? []).map(\.request)
    }

    mutating func subscribe(_ client: Int, _ channel: Int, _ subscription: Subscription) {
        if channels[channel] == nil {
            lastTicket += 1
            channels[channel] = Channel(ticket: lastTicket)
        }
        channels[channel]?.members[client, default: []].append(subscription)
        if channels[channel]?.isActive == true {
            answers[client, default: []].append(.init(channel, subscription.request, true))
        }
    }

    mutating func unsubscribe(_ client: Int, _ channel: Int, _ request: UInt32) {
        guard var left = channels[channel]?.members[client], left.contains(where: { $0.request == request }) else {
            return
        }
        left.removeAll { $0.request == request }
        channels[channel]?.members[client] = left.isEmpty ? nil : left
        if left.isEmpty { ended.append(End(client: client, channel: channel)) }
        if channels[channel]?.members.isEmpty == true { channels[channel] = nil }
    }

    mutating func leave(_ client: Int) {
        for channel in channels.keys {
            for request in requests(client, channel) { unsubscribe(client, channel, request) }
        }
        turn[client] = nil
    }

    /// The broker's answer, which counts only for the subscription that it was asked for. Returns whether it does.
    mutating func answer(_ channel: Int, _ ticket: UInt64, _ isConfirmed: Bool) -> Bool {
        guard let state = channels[channel], state.ticket == ticket, !state.isActive else { return false }
        for (client, subscriptions) in state.members {
            for subscription in subscriptions {
                answers[client, default: []].append(.init(channel, subscription.request, isConfirmed))
            }
            if !isConfirmed { ended.append(End(client: client, channel: channel)) }
        }
        if isConfirmed { channels[channel]?.isActive = true } else { channels[channel] = nil }
        return true
    }

    mutating func publish(_ channel: Int, _ number: Int, excluding sender: Int?) {
        guard let state = channels[channel], state.isActive else { return }
        for client in state.members.keys where client != sender {
            turn[client, default: [:]][channel, default: []].append(number)
        }
    }

    /// What everyone must get out of the turn that ends here.
    mutating func flush() -> [Int: Heard] {
        defer { turn = [:] }
        var heard: [Int: Heard] = [:]
        for (client, numbers) in turn {
            for (channel, numbers) in numbers {
                for subscription in channels[channel]?.members[client] ?? [] {
                    let ear = Ear(channel: channel, request: subscription.hasLead ? subscription.request : nil)
                    heard[client, default: [:]][ear, default: []] += numbers
                    deliveries += numbers.count
                }
            }
        }
        return heard
    }
}
