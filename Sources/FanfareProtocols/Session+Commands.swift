import FanfareCore
import FanfareWire
import NIOCore

/// What a backend wants done with the client. Each protocol tells its client in its own way; one that has no words for something
/// is only held to it.
extension Session {
    /// What became of it.
    public enum Commanded: Sendable {
        /// It is done with this action.
        case done(SessionAction)
        /// It begins with this action, and is done when the subscription is in force.
        case begun(SessionAction)
        /// The subscription is on its way already, whoever wanted it: it is done when that is in force.
        case awaited
        /// It was so before.
        case unchanged
        /// The client has as many channels as it may have.
        case full
        /// The client's protocol can't do that.
        case unsupported
    }

    /// Subscribes the client to a channel. A client of the raw protocol has one channel for all its life.
    public mutating func subscribe(_ wanted: CommandedSubscription, now: TokenTime) -> Commanded {
        if case .socketIO = self { return socketIO(or: .unsupported) { $0.subscribe(wanted, now: now) } }
        return centrifuge(or: .unsupported) { $0.subscribe(wanted, now: now) }
    }

    /// Ends the client's subscription to a channel.
    ///
    /// - Parameter isSubscribed: whether the client has one, in force or asked for.
    public mutating func unsubscribe(_ channel: ChannelName, isSubscribed: Bool) -> Commanded {
        switch self {
        // It is that subscription.
        case .raw: isSubscribed ? .done(.disconnect(.forced, reason: "unsubscribed by the server")) : .unchanged
        case .centrifuge: centrifuge(or: .unchanged) { $0.unsubscribe(channel) }
        case .socketIO: socketIO(or: .unsupported) { $0.unsubscribe(channel) }
        case .stomp: stomp(or: .unchanged) { $0.unsubscribe(channel) }
        case .mqtt: mqtt(or: .unchanged) { $0.unsubscribe(channel) }
        case .graphQL: graphQL(or: .unchanged) { $0.unsubscribe(channel) }
        case .echo: .unchanged
        }
    }

    /// What an emitter of Socket.IO wants done with the clients of some rooms; `nil`: this is none of them.
    public mutating func perform(_ command: RoomCommand, now: TokenTime) -> [SessionAction]? {
        socketIO(or: nil) { $0.perform(command, now: now) }
    }

    /// Changes when the client expires and what others see of it.
    ///
    /// - Parameters:
    ///   - expiresAt: seconds since 1970; `nil`: never.
    ///   - info: JSON; `nil`: as before.
    public mutating func refresh(expiresAt: Int64?, info: ByteBuffer?, now: TokenTime) -> Commanded {
        switch self {
        case .raw(var session):
            session.refresh(expiresAt: expiresAt, info: info, now: now)
            self = .raw(session)
            return .done(.none)
        case .centrifuge: return centrifuge(or: .unsupported) { $0.refresh(expiresAt: expiresAt, info: info, now: now) }
        case .socketIO: return socketIO(or: .unsupported) { $0.refresh(expiresAt: expiresAt, info: info, now: now) }
        case .stomp: return stomp(or: .unsupported) { $0.refresh(expiresAt: expiresAt, info: info, now: now) }
        case .mqtt: return mqtt(or: .unsupported) { $0.refresh(expiresAt: expiresAt, info: info, now: now) }
        case .graphQL: return graphQL(or: .unsupported) { $0.refresh(expiresAt: expiresAt, info: info, now: now) }
        case .echo: return .unsupported
        }
    }
}

/// What is wanted with the clients of some rooms, to those who only carry it.
public typealias RoomCommand = SocketIORoomCommand
