import FanfareCore
import Synchronization

/// The node's question to itself: published and heard through the same Redis as everything else.
///
/// A link can be open, answer PING and still carry nothing (a demoted master, a proxy that lost its other side). Only a
/// message that makes the whole way round shows that publications flow. Used by both links' event loops.
final class ProbeChannel: Sendable {
    private struct State {
        var name: String
        var tag: String?
        var isHeard = false
        var number: UInt64 = 0
        var sentAt: UInt64 = 0
        var isOut = false
        /// Probes in a row that did not come back within an interval.
        var silent = 0
    }

    private let state: Mutex<State>
    private let prefix: String
    private let clock: NodeClock

    /// - Parameter tag: hash tag that puts the channel onto this node of a Redis Cluster.
    init(prefix: String, tag: String? = nil, clock: NodeClock) {
        self.prefix = prefix
        self.state = Mutex(State(name: Self.makeName(prefix, tag), tag: tag))
        self.clock = clock
    }

    /// The channel's name in Redis. No client can have it: `*` is forbidden in channel names.
    var name: String { state.withLock(\.name) }

    /// The hash tag in it.
    var tag: String? { state.withLock(\.tag) }

    /// Whether Redis has confirmed that this node hears the channel.
    var isHeard: Bool { state.withLock(\.isHeard) }

    /// The slot of the old name moved away: another name, which nobody hears yet.
    func rename(tag: String) {
        let name = Self.makeName(prefix, tag)
        state.withLock { $0 = State(name: name, tag: tag, number: $0.number) }
    }

    private static func makeName(_ prefix: String, _ tag: String?) -> String {
        "\(prefix)*probe:\(tag.map { "{\($0)}:" } ?? "")\(UInt64.random(in: 0...UInt64.max))"
    }

    /// Whether a message came on this channel.
    func isName(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.elementsEqual(name.utf8) }

    /// Redis confirmed that this node hears the channel (`true`), or the way round is broken (`false`): probes under way
    /// count no more.
    func setHeard(_ isHeard: Bool) {
        state.withLock { state in
            state.isHeard = isHeard
            state.isOut = false
            state.silent = 0
        }
    }

    /// It is time for a probe: its number, and how many in a row are lost; `nil` while nobody hears.
    func next() -> (number: UInt64, silent: Int)? {
        state.withLock { state in
            guard state.isHeard else { return nil }
            if state.isOut { state.silent += 1 }
            state.isOut = true
            state.number &+= 1
            state.sentAt = clock.monotonicMicroseconds()
            return (state.number, state.silent)
        }
    }

    /// The probe under way was refused: it will not come back, and that says nothing about the links.
    func refused() { state.withLock { $0.isOut = false } }

    /// A probe came back: its time under way in microseconds; `nil` for one that does not count any more.
    func answered(_ number: UInt64) -> UInt64? {
        state.withLock { state in
            guard number == state.number, state.isOut else { return nil }
            state.isOut = false
            state.silent = 0
            return clock.monotonicMicroseconds() &- state.sentAt
        }
    }
}
