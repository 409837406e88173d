import FanfareWire
import NIOCore

/// What a backend wants done with clients.
public enum ClientCommand: Sendable, Equatable {
    /// Subscribe them, and tell them.
    case subscribe(CommandedSubscription)
    /// End their subscriptions to a channel, also those that they asked for themselves, and tell them.
    case unsubscribe(ChannelName)
    /// End them.
    ///
    /// - Parameters:
    ///   - reason: what they are told instead of ``Disconnect/reason``.
    ///   - except: clients that stay.
    case disconnect(Disconnect, reason: String? = nil, except: [ClientID] = [])
    /// Change when they expire and what others see of them, and tell them.
    ///
    /// - Parameters:
    ///   - expiresAt: seconds since 1970; `nil`: never.
    ///   - info: JSON that others see beside the user; `nil`: as before.
    case refresh(expiresAt: Int64?, info: ByteBuffer? = nil)
}

/// A subscription that a backend makes for clients that are connected.
public struct CommandedSubscription: Sendable, Equatable {
    public var channel: ChannelName
    /// JSON that others see beside the user in this channel; `nil`: as in the connection.
    public var info: ByteBuffer?
    /// What the clients are told with it; `nil`: nothing more.
    public var data: Payload?
    /// When it ends, seconds since 1970; `nil`: with the connection.
    public var expiresAt: Int64?
    /// After which place they get what was published before; `nil`: only what comes from now on.
    public var since: StreamPosition?

    public init(
        channel: ChannelName, info: ByteBuffer? = nil, data: Payload? = nil, expiresAt: Int64? = nil,
        since: StreamPosition? = nil
    ) {
        self.channel = channel
        self.info = info
        self.data = data
        self.expiresAt = expiresAt
        self.since = since
    }
}

/// The clients that a command is for: at least one of both is there, and with both the client must be of that user.
public struct CommandTarget: Sendable, Equatable {
    /// Not empty.
    public let user: ExactText?
    public let client: ClientID?

    /// `nil`: it names nobody.
    public init?(user: ExactText?, client: ClientID?) {
        self.user = user.flatMap { $0.isEmpty ? nil : $0 }
        self.client = client
        guard self.user != nil || client != nil else { return nil }
    }
}

/// For how many clients a command was carried out, and for how many not.
public struct CommandCount: Sendable, Equatable {
    /// Clients for which it is now as the command says, or was before.
    public var done = 0
    /// Clients that have as many channels as they may have.
    public var full = 0
    /// Clients whose subscription the broker or a limit refused, or that went meanwhile.
    public var failed = 0
    /// Clients among ``done`` that did not get all that they missed: their channel's history does not reach back as far.
    public var lost = 0

    public init(done: Int = 0, full: Int = 0, failed: Int = 0, lost: Int = 0) {
        self.done = done
        self.full = full
        self.failed = failed
        self.lost = lost
    }

    public static func += (left: inout CommandCount, right: CommandCount) {
        left.done += right.done
        left.full += right.full
        left.failed += right.failed
        left.lost += right.lost
    }
}

extension Disconnect {
    /// The end of a client that a backend wants with this code: one of its own, or one of those that say no more than that the
    /// server wants it. `nil` for all other codes, which say something that the node alone knows.
    ///
    /// - Parameter reason: counts only with codes of applications; at most ``ApplicationDisconnect/maximumReasonBytes`` bytes.
    public static func commanded(code: UInt16, reason: String) -> Disconnect? {
        switch code {
        case Disconnect.forcedReconnect.code: .forcedReconnect
        case Disconnect.forced.code: .forced
        default: ApplicationDisconnect(code: code, reason: reason).map { .application($0) }
        }
    }
}
