import FanfareCore
import FanfareWire

/// What carries a session of Engine.IO that began with polling: who may fetch what it says, who may bring what its client says, and
/// when it moves to a WebSocket. A pure state machine; receivers are named by numbers.
///
/// The rules are those of the reference server, but for one: while a WebSocket is being tried, **every** poll is answered with a noop,
/// and not the one that waits. A client that asks again before it has seen the answer to its probe would otherwise wait for the next
/// ping, up to 25 s, with a WebSocket that works. And a poll that comes through another node than the one that waits takes its place: a
/// proxy repeats there what a node that died had not answered.
struct EngineIOStateMachine {
    /// Where a session is.
    enum Phase: Equatable {
        /// It polls.
        case polling
        /// It polls, and a WebSocket has come that has not asked yet.
        case probing
        /// The WebSocket has asked and was answered. Polls are given noops, what the session says waits.
        case upgrading
        /// It is on its WebSocket: requests are none of its own any more.
        case upgraded
        /// It has ended; a poll may be on its way that is to be told so with a noop.
        case ended(owesNoop: Bool)
    }

    private(set) var phase = Phase.polling
    /// The poll that waits.
    private(set) var poll: UInt64?
    /// The node through which the last one came; `nil`: it came to this one.
    private(set) var asker: NodeID?
    /// Whether a POST is under way.
    private(set) var isPosting = false
    /// Whether its client has come back since the handshake.
    private(set) var isUsed = false

    // MARK: Polls

    /// What becomes of a poll.
    enum PollVerdict: Equatable {
        /// It waits, and is the one.
        case wait
        /// It waits in the place of the one that did, which came through another node and is released.
        case replace
        /// It is given a noop.
        case noop
        /// Another one of its node waits: that one is told the end, this one is refused, and the session has ended.
        case duplicate
        /// The session is on its WebSocket.
        case moved
        /// There is no such session.
        case gone
    }

    /// - Parameter node: through which it came; `nil`: it came to this one.
    mutating func poll(_ receiver: UInt64, through node: NodeID? = nil) -> PollVerdict {
        switch phase {
        case .ended(let owesNoop):
            phase = .ended(owesNoop: false)
            return owesNoop ? .noop : .gone
        case .upgraded: return .moved
        case .polling, .probing, .upgrading:
            isUsed = true
            guard poll == nil || asker != node else {
                end()
                return .duplicate
            }
            guard phase != .upgrading else { return .noop }
            defer { (poll, asker) = (receiver, node) }
            return poll == nil ? .wait : .replace
        }
    }

    /// The poll that waits has its answer.
    mutating func answered() { poll = nil }

    /// A poll is given up, and not by its client. Returns whether it was the one that waits.
    mutating func released(_ receiver: UInt64) -> Bool {
        guard poll == receiver else { return false }
        poll = nil
        return true
    }

    /// A poll's client has gone. Returns whether the session has ended with it.
    mutating func left(_ receiver: UInt64) -> Bool {
        guard poll == receiver else { return false }
        end()
        return true
    }

    // MARK: POSTs

    /// What becomes of a POST.
    enum PostVerdict: Equatable {
        /// Its packets are the client's.
        case take
        /// Another one is under way: the session has ended.
        case duplicate
        /// The session is on its WebSocket.
        case moved
        /// There is no such session.
        case gone
    }

    mutating func post() -> PostVerdict {
        switch phase {
        case .ended: return .gone
        case .upgraded: return .moved
        case .polling, .probing, .upgrading:
            isUsed = true
            guard !isPosting else {
                end()
                return .duplicate
            }
            isPosting = true
            return .take
        }
    }

    /// The POST that was under way has its answer.
    mutating func posted() { isPosting = false }

    /// The client says that it ends. Returns whether a poll waits, and is to be given a noop; else the next one is.
    mutating func closed() -> Bool {
        let waits = poll != nil
        end()
        phase = .ended(owesNoop: !waits)
        return waits
    }

    // MARK: The WebSocket

    /// A WebSocket has come. Returns whether it may be tried; else it is closed.
    mutating func socketCame() -> Bool {
        guard phase == .polling else { return false }
        isUsed = true
        phase = .probing
        return true
    }

    /// What becomes of a packet on a WebSocket that is tried.
    enum SocketVerdict: Equatable {
        /// The answer to the probe goes back; a poll that waits is given a noop.
        case answerProbe
        /// The session is on the WebSocket from now on, and what waits is sent there.
        case upgrade
        /// The WebSocket is closed; polling goes on.
        case close
    }

    mutating func socketSaid(_ packet: EngineIOPacket) -> SocketVerdict {
        switch (packet.kind, phase) {
        case (.ping, .probing) where packet.isProbe, (.ping, .upgrading) where packet.isProbe:
            phase = .upgrading
            return .answerProbe
        case (.upgrade, .upgrading):
            phase = .upgraded
            poll = nil
            return .upgrade
        default:
            socketWent()
            return .close
        }
    }

    /// A WebSocket that was tried has gone, or took too long.
    mutating func socketWent() { if phase == .probing || phase == .upgrading { phase = .polling } }

    /// Whether polls are given what the session says, pings among it.
    var delivers: Bool { phase == .polling || phase == .probing }

    /// The session has ended for whatever reason.
    mutating func end() {
        if case .ended = phase { return }
        phase = .ended(owesNoop: false)
        (poll, isPosting) = (nil, false)
    }
}
