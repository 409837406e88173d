import FanfareCore
import FanfareWire
import NIOCore

// What this module holds and does at most, where no setting says it: settings are in ``Limits`` and ``NodeConfiguration``; HTTP/2,
// commands and each transport have files of their own.

// MARK: Sockets and requests

/// Those that are given to a library.
enum ServerBounds {
    /// Connections that the kernel holds for a port until they are accepted: a storm of some thousand clients.
    static let backlog: Int32 = 4_096
    /// Accepts of one turn of an event loop: a storm of connections waits in the backlog, deliveries do not.
    static let accepts: UInt = 4
    /// Reads of a socket in one turn, and the bytes of each: see ``ReceiveSizes``.
    static let reads: UInt = 2
    static let leastReadBytes: Int32 = 256
    static let mostReadBytes: Int32 = 16_384
    /// Bytes of a file with keys: a hundred certificates.
    static let keyFileBytes = 262_144
    /// Bytes of the answer to a health check; ours has some hundred.
    static let healthAnswerBytes = 65_536
}

extension PublicListener {
    /// Bytes that the kernel takes for a socket beyond what it can send now (tcp(7), `TCP_NOTSENT_LOWAT`). Without it a peer
    /// that reads nothing has megabytes there where packets are big, as on loopback: memory that no limit of the node sees, and
    /// a slow consumer that looks like one that takes all. Two chunks of an outbox, so that one is there when one has gone.
    static let unsentBytes: SocketOptionValue = 131_072
}

extension RequestGate {
    /// Bytes of a portion: some thirty of the shortest requests, which cost about a turn to take apart.
    static let portion = 2_048
    /// Most bytes that are held: several reads of the socket. More come only from a peer that has ended, for then NIO reads all
    /// that the kernel has; its answers would reach nobody.
    static let most = 131_072
}

extension HTTPConnection {
    /// Pieces up to that many bytes are put together by a copy, which costs less than one more buffer for the kernel.
    static let copiedBytes = 1_024
}

extension HTTP2Gate {
    /// Most bytes that are held: several reads of the socket. More come only from a peer that has ended.
    static let most = 131_072
}

extension TLSPieces {
    /// A record has 16 KiB, and so has NIOSSL's buffer; what encryption adds must fit too.
    static let pieceBytes = 16_384 - 64
}

extension NodeTLS {
    /// Files that are being replaced one after the other may not fit for a moment.
    static let replacementTime = Duration.seconds(1)
}

extension ProxyHeader {
    /// Bytes of a version 1 header, line end included.
    static let maximumLine = 107
    /// Bytes behind the fixed part of a version 2 header: addresses, and what else proxies have to tell.
    static let maximumRest = 4_096
}

extension ForwardedPath {
    /// More hops than any path has; what is left of them is not looked at.
    static let maximumHops = 32
}

// MARK: Clients

extension Client {
    /// Bytes of a turn after which the kernel is asked, before more is gathered.
    static let writeBytes = 65_536
}

extension DirectWriter {
    /// Buffers of one call to the kernel; a turn has some thirty at most.
    static let maximumPieces = 64
}

extension ClientOpening {
    /// Bytes that a frame takes beside its own, about.
    static let frameBytes = 64
}

extension StreamChannels {
    /// Most channels of one stream: an event brings the index of its channel in one byte.
    static let maximum = 255
}

extension PollQuery {
    /// Below the 30 s that the strictest proxies wait for an answer.
    static let usual = Duration.seconds(25)
    /// Longer than that no proxy in its default state waits for an answer.
    static let longest = Duration.seconds(60)
}

extension PollBuffers {
    /// Events that are handled at a time. An answer is up to 64 KiB to be put together.
    static let visit = 64
}

// MARK: A turn of an event loop

extension LoopState {
    /// Bytes of a batch at which it is written, so that no write is bigger than what a client's queue is measured in.
    static let batchBytes = 65_536
    /// Bytes of all batches at which they are written: what a turn holds for its clients, whatever their channels.
    static let batchesBytes = 262_144
    /// Clients that look at their tokens again in one tick: some microseconds each.
    static let clientsPerTick = 1_024
}

extension SocketPass {
    /// How much later, where there is no pipe: in tests whose event loops have no sockets, and if there are no descriptors left.
    static let pause = TimeAmount.microseconds(50)
}

// MARK: Operators

extension AdminServer {
    /// After that long without a byte a connection is closed, also in the middle of a request. Longer than Prometheus'
    /// usual scrape interval of a minute, so that its connection is kept.
    static let idleTimeout = TimeAmount.seconds(90)
    /// After that long without taking anything of its answer a reader is cut: it may hold one of few places (``APIReads``).
    static let takingTimeout = TimeAmount.seconds(10)
    /// What requests under way may take at shutdown; then their connections are cut.
    static let shutdownGrace = Duration.seconds(3)
}

extension APIReads {
    /// Histories and members under way to backends at a time: with 4 MiB from the broker and as much text some 64 MB, and some 200
    /// MB where each character is escaped.
    static let most = 8
    /// How long another one waits, which is as long as a read waits for Redis.
    static let patience = Duration.seconds(2)
    /// Bytes of an answer that leave at a time; an answer of no more is the connection's own.
    static let pieceBytes = 65_536
}

extension ServerAPI {
    /// Channels of one broadcast.
    static let maximumBroadcast = 1_000
}

extension RefusalLog {
    /// Longer than every message of ours; a channel's name may be in it.
    static let maximumCharacters = 400
}

extension FanfareNode {
    /// What the drain may take beyond its window: closing handshakes, the broker's last answers.
    public static let drainGrace = Duration.seconds(5)
}

extension ConfigurationFile {
    /// Ten thousand times what all settings need; a device or a log given by mistake ends here.
    static let maximumBytes = 1_048_576
}

extension NamespaceText {
    /// Most publications that a channel keeps.
    static let maximumHistory = 100_000
    /// Most namespaces.
    static let maximumCount = 256
}

extension ConfigurationChecks {
    /// Descriptors that are no connections of clients or backends: listeners, Redis, logs.
    static let reservedFiles = 100
}
