import FanfareCore

/// What one GraphQL document and one client may have at most. What an operator may want otherwise is in `Limits`.
public enum GraphQLBounds {
    /// Bytes of a document. The introspection query of the tools has some 2,000.
    static let documentBytes = 32_768
    /// Tokens of a document. The introspection query of the tools has some 400.
    static let tokens = 4_096
    /// Selection sets, lists, objects and types within each other in a document. Its readers recurse.
    static let nesting = 32
    /// Lists within each other in a type: as many as the schema has.
    static let listDepth = 1
    /// How many times the bytes that a client sent the JSON of its operation may come to.
    static let expansion = 2
    /// Bytes of JSON that an operation may come to in any case: a short message may go to several channels.
    static let smallJSON = 8_192
    /// Selection sets within each other when fragments stand in their place: introspection asks for fourteen.
    static let depth = 24
    /// Fields of an operation when fragments stand in their place: aliases and fragments multiply them.
    static let fields = 1_024
    /// Operations of a document. Each is checked with all its fragments.
    static let operations = 16
    /// Steps of checking a document and of making a plan of it: a field, an argument, a value or a spread each time that it is looked at.
    /// A short one has ``freeWork`` and one for each of its bytes: the introspection of the tools takes some 1,000.
    static let work = 4_096
    static let freeWork = 512
    /// Bytes of a document that take a unit of a turn, six microseconds.
    static let bytesPerUnit = 32
    /// The same of the values of variables: they are looked through some five times.
    static let variableBytesPerUnit = 512
    /// Fields at the top of an operation: each reads or publishes something. What they read waits for the last of them.
    static let rootFields = 8
    /// Errors that are told of one document.
    static let errors = 8
    /// Fields that an answer has, lists and all.
    static let answerFields = 16_384
    /// How many of them an object of introspection counts for: that of the tools has some 2,000.
    static let introspection = 8
    /// As how many publications or members an introspection counts: it is put together value by value, some milliseconds.
    static let introspectionItems = 2_000
    /// Units of a turn that it takes: half a millisecond for all that the tools ask, and much more for the most that one may be.
    static let introspectionWork = 6 * Turn.work
    /// Bytes of an answer that nothing was read for: what was published, and where.
    static let smallAnswerBytes = 16_384
    /// Bytes of the answer to a query. A history that is bigger is read in parts.
    static let answerBytes = 524_288
    /// Bytes of text out of a document that an error message shows.
    static let quotedBytes = 64
    /// Fields of an operation that may be as big as their publisher wants: aliases multiply them.
    static let payloads = 12
    /// Fields of a publication that have its payload, each time that it is selected.
    static let copies = 2
    /// Fields of a mutation: nobody asks for room for the answer.
    static let mutationFields = 64
    /// Fields of a subscription: each publication is written with all of them. A publication has nineteen, `__typename` and all.
    static let subscriptionFields = 32
    /// Bytes of a selection of publications, as its format is named: keys and names.
    static let selectionBytes = 1_024
    /// Bytes of a name or alias: an answer repeats it for each element of a list.
    static let nameBytes = 64
    /// Bytes of an operation's id. With its escapes it is in a lead, which has 255 bytes at most (D96).
    static let idBytes = 100
    /// Different selections of publications that one client may have: the node has a format for each, of which it has only so many.
    static let formats = 16
    /// Bytes of subscriptions and selections that a client may have without that they count among what the node keeps: ten of them, of
    /// some fields each.
    static let freeBytes = 24_576
    /// Different selections of one channel that one client may have.
    static let formatsOfChannel = 4
    /// Bytes of memory that a message of a recovery has beside its own. They count against what a client may recover.
    static let messageBytes = 256
    /// Members of an object among the values of variables.
    static let members = 64
}
