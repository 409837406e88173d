import NIOCore

/// What this module holds, asks for and tries at most, where no setting says it; settings are in ``RedisConfiguration``.
enum RedisBounds {
    // MARK: Replies

    /// Bytes of an incomplete reply that are held; beyond that the peer is not a sane Redis.
    static let replyBytes = 67_108_864
    /// Elements of one array; a page of a history has some thousand, a big channel's members ten thousand.
    static let replyElements = 1_048_576
    /// Bytes of an error of Redis that are shown; real ones have some hundred.
    static let errorBytes = 256

    // MARK: Reads

    /// Bytes of replies that Redis may be asked for at a time, as far as they can be told: two slices, some 1.3 ms of Redis' core, and
    /// that is what a publish may have to wait for.
    static let readWindowBytes = 2 * (sliceBytes + 1_024)
    /// Reads of the node itself between two of clients and backends, when both wait.
    static let ownReadsInARow = 7
    /// Publications of one slice of a page: some 0.5 ms of Redis' core.
    static let sliceEntries = 50
    /// Bytes of one slice, but for its last publication.
    static let sliceBytes = 65_536
    /// The same for a first slice that most likely finds little: a channel that is held against its stream.
    static let firstSliceBytes = 4_096
    /// Members that are read at a time while their bytes are counted: the largest have 140 KB.
    static let memberSlice = 16
    /// Bytes of members that are asked for first: some 160 usual ones.
    static let firstMembersBytes = 32_768
    /// How often a page is read anew when its stream begins anew.
    static let readRestarts = 3

    // MARK: Streams that the node follows

    /// Publications of one read after a gap.
    static let repairEntries = 1_000
    /// Bytes of a channel's publications that wait for such a read. More are dropped: they are in the stream.
    static let heldBytes = 4_194_304
    /// Streams that are read at a time; a reconnect with a hundred thousand channels must not bury the publishes.
    static let streamReads = 256

    // MARK: Channels without history

    /// Channels in which this node counts its publications. Beyond it the node becomes another publisher and counts anew.
    static let numberedChannels = 65_536
    /// Publishers that are remembered for a channel; nodes and, with time, their earlier lives. Beyond it all are
    /// forgotten, and a loss at that moment goes unseen.
    static let publishersOfChannel = 256

    // MARK: Redis Cluster

    /// How often a call that came while its slot was on its way is tried again, and after what time.
    static let slotRetries = 20
    static let slotRetryPause = TimeAmount.milliseconds(100)
    /// For how long after a move a publication is held against its channel's home: the old owner's link may still carry
    /// some, and a replica that was the owner gets what the new one publishes.
    static let moveWindow = Duration.seconds(10)
}
