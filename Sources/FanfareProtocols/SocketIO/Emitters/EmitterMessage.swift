import FanfareCore
import FanfareWire
import NIOCore

/// What a backend's emitter wants, whichever format it speaks.
public enum EmitterMessage: Sendable, Equatable {
    /// An event for clients.
    case emit(EmitterEvent)
    /// Clients are to join or leave rooms, or to go.
    case request(EmitterRequest)
    /// What only servers of these libraries tell each other, an acknowledgement for one of them, and the like.
    case ignored
}

/// An event for the clients of a namespace that are in one of some rooms, or for all of them.
public struct EmitterEvent: Sendable, Equatable {
    /// With its slash.
    public var namespace: ExactText
    /// `{"event":…,"args":[…]}`, with `"binary":["…"]` behind it where arguments hold bytes: what is published.
    public var payload: ByteBuffer
    /// Each once, in order; empty: all clients of the namespace.
    public var rooms: [ExactText]
    /// Clients in one of these do not get it.
    public var except: [ExactText]
    /// The only one of ``rooms`` that this message is for, where its sender sends one for each; `nil`: all.
    public var share: ExactText?
}

/// What is to be done with clients of a namespace.
public struct EmitterRequest: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        case join([ExactText])
        case leave([ExactText])
        /// Leave the namespace.
        ///
        /// - Parameter close: end the connection.
        case disconnect(close: Bool)
    }

    public var namespace: ExactText
    public var action: Action
    /// The rooms of the clients that it is for; empty: all clients of the namespace.
    public var rooms: [ExactText]
    /// Clients in one of these are left as they are.
    public var except: [ExactText]
}

extension EmitterEvent {
    /// A publication that it comes to: in a room's channel, not for those who hear it in one before, or are left out.
    public struct Share: Sendable, Equatable {
        public let channel: ChannelName
        public let unless: [ChannelName]
    }

    /// The publications that together bring it to each client once.
    ///
    /// Rooms whose streams are recovered come first, then those with the newest publication, then the rest, each in the order that the
    /// emitter gave them: a client that was away has the event only where it is kept, so no room without history may hide it there.
    ///
    /// - Parameters:
    ///   - rules: what channels there are.
    ///   - limit: bytes of a channel's name.
    public func shares(_ rules: ChannelRulebook, limit: Int) throws(EmitterError) -> [Share] {
        let named = try SocketIORooms.channels(rooms, namespace, rules, limit)
        let rooms = [ChannelRules.Recovery.stream, .cache, .off].flatMap { recovery in
            named.filter { (rules.rules($0)?.recovery ?? .off) == recovery }
        }
        var unless = try SocketIORooms.channels(except, namespace, rules, limit)
        guard !rooms.isEmpty else {
            return [Share(channel: try SocketIORooms.all(namespace, rules), unless: unless)]
        }
        let only = try share.map { room throws(EmitterError) in
            try SocketIORooms.channel(room, namespace, rules, limit)
        }
        // Each has the names of those before it, so they are counted before they are made.
        var (bytes, before) = (0, unless.reduce(0) { $0 + 1 + $1.string.utf8.count })
        for room in rooms {
            bytes += payload.readableBytes + before
            before += 1 + room.string.utf8.count
        }
        guard before <= PublicationMetadata.maximumUnlessBytes else {
            throw EmitterError("rooms of \(before) bytes, at most \(PublicationMetadata.maximumUnlessBytes) are taken")
        }
        guard only != nil || bytes <= EmitterBounds.publishedBytes else {
            throw EmitterError("\(rooms.count) rooms come to \(bytes) bytes, at most \(EmitterBounds.publishedBytes)")
        }
        var shares: [Share] = []
        for room in rooms {
            if only == nil || only == room { shares.append(Share(channel: room, unless: unless)) }
            unless.append(room)
        }
        return shares
    }
}
