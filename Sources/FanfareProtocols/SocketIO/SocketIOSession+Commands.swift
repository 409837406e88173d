import FanfareCore
import FanfareWire
import NIOCore

/// What a backend does with a client that is connected: over the server API, where it names channels, and with an emitter's requests,
/// where it names rooms of a namespace. Clients are told nothing of it, for Socket.IO has no words for it.
extension SocketIOSession {
    /// The API's: in the namespace whose rooms are such channels, else in `/`.
    mutating func subscribe(_ wanted: CommandedSubscription, now: TokenTime) -> Session.Commanded {
        let channel = wanted.channel
        guard let rules = policy.channels.rules(channel), let index = namespace(for: channel) else {
            return .unsupported
        }
        if let place = namespaces[index].index(of: channel) {
            return namespaces[index].subscriptions[place].isInForce ? .unchanged : .awaited
        }
        let isKept = may(.subscribe, channel, rules.subscribe, index)
        var (starts, namespace) = ([SubscriptionRequest](), namespaces[index])
        do throws(CentrifugeError) {
            try add(
                channel, wanted.since, isByClient: isKept, waiter: .backend, isKept: isKept, to: &namespace, &starts)
        } catch {
            return .full
        }
        namespace.grants[channel] = SubscriptionGrant(wanted, now: now)
        namespaces[index] = namespace
        return starts.first.map { .begun(.join($0)) } ?? .unsupported
    }

    private func namespace(for channel: ChannelName) -> Int? {
        func find(_ isOne: (SocketIONamespace) -> Bool) -> Int? {
            namespaces.firstIndex { $0.isJoined && isOne($0) }
        }
        return find { $0.name != "/" && SocketIONamespace.room(of: channel.text, in: $0.name) != nil }
            ?? find { $0.name == "/" }
    }

    /// In all namespaces of the client.
    mutating func unsubscribe(_ channel: ChannelName) -> Session.Commanded {
        guard !namespaces.contains(where: { SocketIORooms.isRoom(channel, of: $0.name) }) else { return .unsupported }
        var actions: [SessionAction] = []
        for index in namespaces.indices where namespaces[index].isJoined { actions += remove(channel, index) }
        return actions.isEmpty ? .unchanged : .done(.all(actions))
    }

    mutating func remove(_ channel: ChannelName, _ index: Int) -> [SessionAction] {
        guard let place = namespaces[index].index(of: channel) else { return [] }
        let subscription = namespaces[index].subscriptions.remove(at: place)
        namespaces[index].grants[channel] = nil
        var actions: [SessionAction] = [.leave(channel, request: subscription.number)]
        // It was in force for a moment, as far as the client knows.
        if case .event(let ack?) = subscription.waiter {
            actions.append(.send(SocketIOWriter.ack(namespaces[index].name, ack) { $0.writeStaticString("{}") }))
        }
        return actions + tellOffset(index)
    }

    /// In all namespaces of the client: they are one user's.
    mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) -> Session.Commanded {
        for index in namespaces.indices {
            namespaces[index].grants.refresh(expiresAt: expiresAt, info: info, now: now)
        }
        return .done(.none)
    }
}

/// What an emitter wants done with the sockets of some rooms, as channels.
public struct SocketIORoomCommand: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        case join([ChannelName])
        case leave([ChannelName])
        case disconnect(close: Bool)
    }

    public let namespace: ExactText
    public let action: Action
    /// Who has one of these channels, and none of ``except``. Never empty.
    public let channels: [ChannelName]
    public let except: [ChannelName]

    /// Throws where it names what there is not.
    public init(_ request: EmitterRequest, _ rules: ChannelRulebook, limit: Int) throws(EmitterError) {
        let namespace = request.namespace
        func named(_ rooms: [ExactText]) throws(EmitterError) -> [ChannelName] {
            guard rooms.count <= EmitterBounds.rooms else {
                throw EmitterError("more than \(EmitterBounds.rooms) rooms")
            }
            return try SocketIORooms.channels(rooms, namespace, rules, limit)
        }
        let rooms = try named(request.rooms)
        self.namespace = namespace
        channels = rooms.isEmpty ? [try SocketIORooms.all(namespace, rules)] : rooms
        except = try named(request.except)
        switch request.action {
        case .join(let rooms): action = .join(try Self.free(try named(rooms), namespace))
        case .leave(let rooms): action = .leave(try Self.free(try named(rooms), namespace))
        case .disconnect(let close): action = .disconnect(close: close)
        }
    }

    /// What sockets are in without asking nobody joins and nobody leaves.
    private static func free(
        _ channels: [ChannelName], _ namespace: ExactText
    ) throws(EmitterError) -> [ChannelName] {
        guard !channels.contains(where: { SocketIORooms.isRoom($0, of: namespace) }) else {
            throw EmitterError("a socket's own room is its alone")
        }
        return channels
    }
}

extension SocketIOSession {
    /// Carries an emitter's request out; `nil`: it is not for this client.
    mutating func perform(_ command: SocketIORoomCommand, now: TokenTime) -> [SessionAction]? {
        guard let index = namespaces.firstIndex(where: { $0.name == command.namespace && $0.isJoined }),
            command.channels.contains(where: namespaces[index].isSubscribed),
            !command.except.contains(where: namespaces[index].isSubscribed)
        else { return nil }
        switch command.action {
        case .disconnect(close: true): return [.disconnect(.forced)]
        case .disconnect(close: false):
            let packet = SocketIOWriter.disconnect(command.namespace)
            return [leave(index), .send(packet)]
        case .leave(let channels): return channels.flatMap { remove($0, index) }
        case .join(let channels): return join(channels, index, now)
        }
    }

    private mutating func join(_ channels: [ChannelName], _ index: Int, _ now: TokenTime) -> [SessionAction] {
        var (starts, namespace) = ([SubscriptionRequest](), namespaces[index])
        for channel in channels where namespace.index(of: channel) == nil {
            guard let rules = policy.channels.rules(channel) else { continue }
            let isKept = may(.subscribe, channel, rules.subscribe, index)
            namespaces[index] = namespace
            // A client with as many channels as it may have joins no more.
            guard
                (try? add(channel, nil, isByClient: isKept, waiter: .backend, isKept: isKept, to: &namespace, &starts))
                    != nil
            else { break }
            namespace.grants[channel] = SubscriptionGrant(CommandedSubscription(channel: channel), now: now)
        }
        namespaces[index] = namespace
        return starts.map { .join($0) }
    }
}
