import FanfareWire

// What this module holds and does at most, where no setting says it: settings are in ``Limits``, the control bus has
// ``ControlBounds``.

// MARK: A turn of an event loop

extension Turn {
    /// Units of one turn: 32 usual commands, a fifth of a millisecond.
    public static let work = 32
    /// Units of a short turn: a message, and a usual command in it.
    public static let short = 2
    /// Units of a token to be checked: an ECDSA signature takes 80 microseconds and more. Two of them fill a turn.
    public static let token = 16
    /// Bytes of a message that count as one more unit, for they have to be parsed.
    public static let messageBytes = 2_048
    /// Units of a request over HTTP: its head is taken apart, something is published, an answer is written.
    public static let request = 4
}

extension TurnBudget {
    /// Bytes of publications in one turn, summed over channels.
    public static let bytes = 524_288
    /// Events in one turn. Each costs some hundred nanoseconds without its deliveries.
    public static let events = 1_024
    /// What an answer counts that may carry a page of history or members, some milliseconds of encoding for megabytes.
    public static let bigAnswer = 32
}

extension ClientRates {
    /// Bytes of an answer that count as one read.
    public static let readBytes = 65_536
    /// Publications or members of an answer that count as one read: a millisecond of Redis' core.
    public static let readItems = 100
}

extension ReadCost {
    /// Bytes that stand around a publication or a member in an answer, about.
    static let overhead = 64
}

extension Limits {
    /// Reads of what its clients missed that an address may have at once: a thousand clients, a thousand publications each.
    static let recoveriesAtOnce = 10_000
}

// MARK: Hub

extension HubShard {
    /// Most bytes of a fixed lead: a client's name for its subscription fits in every protocol. A channel has a list for each
    /// length that its subscribers use.
    public static var maximumLeadBytes: Int { 255 }
    /// Most formats that clients make among those with leads, of a channel on one event loop: a publication is written for each of
    /// them before it is sent.
    public static var maximumFormats: Int { 64 }
    /// As many of them may be anybody's. Beyond, whoever made ``formatsOfMaker`` of the channel's gets no more, so that no stranger takes
    /// all.
    public static var freeFormats: Int { 16 }
    public static var formatsOfMaker: Int { 4 }
    /// Most bytes of a turn's batches where groups of subscribers have copies of their own: a channel with many filters is
    /// flushed before.
    static var copiedBytes: Int { 1_048_576 }
    /// Room that is kept for the next batch.
    static var spareBytes: Int { 131_072 }
    /// Bytes of publications in the answers to clients after which the event loop has other things to do first.
    static var answerBytes: Int { 1_048_576 }
}

extension PendingRecoveries {
    /// Bytes of live publications that are kept during a read. More: those clients' history is read anew.
    static var maximumRecent: Int { 1_048_576 }
}

extension RecentRead {
    /// Ticks of the timing wheel (100 ms).
    static let lifetime = 5
}

// MARK: What waits for clients

extension Outbox {
    /// Bytes that the transport gets at a time.
    public static let chunkBytes = 65_536
    /// Most bytes of credit: two of the largest answers. A single answer is taken in any case, what comes on top is counted
    /// as live traffic.
    public static let maximumCredit = 2 * HistoryPage.maximumBytes
    /// Most pieces that wait for a client, beside an answer: what a thousand turns a second bring in half a minute. A megabyte of
    /// the smallest messages would be ten times as many.
    public static let maximumPieces = 32_768
    /// Pieces whose own memory is not counted: every client that is behind has some.
    static let freePieces = 64
    /// Memory of one piece: its place in an array that doubles when it grows.
    static let pieceBytes = 64
}

extension QueuedBytes {
    /// Memory that it takes beside the bytes themselves: three objects, and what an allocator puts around them.
    static let ownBytes = 192
}

extension PendingBytes {
    /// Up to so many bytes of a frame with a head of its own, a copy costs less than two references.
    public static let copiedBytes = 1_024
}

extension CombinedFrames {
    /// Up to so many bytes in all a copy is worth it; beyond, a client holds references to what it gets.
    public static let sharedBytes = 4_096
}

extension QueueLedger {
    /// Bytes from which something is found after its turn, too.
    static let largeBytes = 65_536
}

// MARK: Histories

extension HistoryPage {
    /// Bytes of publications in one page, about: it leaves as one message.
    public static let maximumBytes = 4_194_304
}

extension SharedFrames {
    /// Most filters whose publications are kept for others with the same one.
    static let maximumFilters = 16
    /// Most bytes of payloads of what is kept for them together: each may be encoded, for some hundred milliseconds.
    static let maximumFilteredBytes = 4_194_304
}

extension StreamEpochs {
    /// Ended streams that are remembered, 16 bytes each. More: the common epoch is another one from there on.
    static let maximumEnded = 100_000
}

// MARK: Brokers

extension MemoryBroker {
    /// Most channels with history. More: publishes into others are refused until some have aged.
    public static let maximumStreams = 100_000
    /// Bytes of publications that wait for one event loop; the same as for Redis. More: publishes are refused.
    public static let maximumBacklogBytes = 67_108_864
}

extension MemoryReceipts {
    /// Most keys that are known at a time.
    static let maximum = 65_536
}

extension IdempotencyKey {
    /// Longer than a backend tries.
    public static let lifetime = Duration.seconds(300)
    /// Most bytes of a key.
    public static let maximumBytes = 128
}

extension BrokerEvent {
    /// Bytes that a publication or a join takes in a mailbox besides its size, about.
    public static let overhead = 256
}

extension PresenceTiming {
    /// Members in one call of the store, so that none keeps it from other work for long.
    public static let batch = 500
}
