// What the types of this module hold at most, where no setting says it. They are read from bytes of others, and bounded where they
// are read.

// MARK: Channels and formats

extension ChannelName {
    /// The most bytes that any configuration may allow.
    public static let maximumBytes = 255
}

extension FormatTable {
    /// Most formats with parameters at a time. Their frames are made when a client takes one, so they cost what their
    /// subscribers cause; the bound leaves 60,000 ids unused, see ``intern(_:as:)``.
    public static let maximumInterned = 4_096
    /// Most of them with leads: clients make these as they like, and what the operator named finds room beside them.
    public static let maximumPersonal = 3_072
    /// As many of them may be made by anybody. Beyond, whoever has ``personalOfMaker`` gets no more: while nothing is short, a share would
    /// only be something to take away from others at the same address.
    public static let freePersonal = maximumPersonal / 2
    public static let personalOfMaker = 24
    /// Most of them that one maker may have in any case.
    public static let personalOfAnyMaker = freePersonal / 2
}

// MARK: Publications

extension PublicationTags {
    /// Most tags: whoever filters looks through all of them, for each subscriber with a filter.
    public static let maximumCount = 32
    /// Most bytes of all names and values together: they travel with every copy of the publication, and are kept with it.
    public static let maximumBytes = 4_096
}

extension PublicationMetadata {
    /// Most bytes of ``info`` as JSON: both infos of a client at their bounds, and twice as much for its names.
    public static let maximumInfoBytes = 4 * ClientInfo.maximumInfoBytes
    /// Most bytes of ``unless``, a byte more for each name: they travel with the publication, are kept with it, and each delivery
    /// to a client of Socket.IO looks through them.
    public static let maximumUnlessBytes = 16_384
}

extension TagFilter {
    /// Most filters within each other.
    public static let maximumDepth = 16
    /// Most comparisons and combinations together: each comparison looks through the tags of every publication.
    public static let maximumNodes = 64
    /// Most values of all `in` and `nin` together.
    public static let maximumValues = 256
    /// Most bytes of all keys and values together: they are kept with the subscription.
    public static let maximumBytes = 4_096
}

extension StreamPosition {
    /// Most bytes of an epoch; what a string holds without memory of its own.
    public static let maximumEpochBytes = 15
    /// Most bytes of a position's text, and so of an event's id: 20 digits, the dot and the epoch.
    public static let maximumTextBytes = 21 + maximumEpochBytes
}

extension PositionList {
    /// Bytes that an id should not go beyond: longer fields of a page's request need a preflight (Fetch Standard, "CORS-safelisted
    /// request-header").
    public static let comfortableBytes = 128
    /// Digits that each offset may grow to within that: a million publications a second for eleven days.
    static let roomyDigits = 12
}

extension FossilDelta {
    /// Most bytes of a base and of a target: what one delta costs is linear in them, and a channel with deltas keeps its last
    /// publication. What is bigger leaves as it is.
    public static let maximumBytes = 262_144
}

extension JSONDepth {
    /// Most arrays and objects within each other.
    public static let maximum = 64
}

// MARK: Clients and nodes

extension ClientInfo {
    /// Most bytes of ``connInfo`` and of ``chanInfo`` each: a channel's members are read and sent all at once.
    public static let maximumInfoBytes = 4_096
}

extension ApplicationDisconnect {
    /// What a close frame has room for behind its code (RFC 6455 §5.5: 125 bytes in all).
    public static let maximumReasonBytes = 123
}

extension TypedFields {
    /// Most bytes of all fields together. A reader refuses more, so writers stay far below: tags and an info have 20 KB.
    public static let maximumBytes = 65_536
}

// MARK: Memory that is used again

extension Deflater {
    /// Room that is kept for the next frame.
    static let keptBytes = 131_072
}
