/// Names with values that a backend gives a publication, in its order: what subscribers can filter by. Not part of the payload.
public struct PublicationTags: Sendable, Equatable {
    /// One of them.
    public struct Tag: Sendable, Equatable {
        public let name: ExactText
        public let value: ExactText

        public init(name: ExactText, value: ExactText) {
            self.name = name
            self.value = value
        }
    }

    /// In the order in which they were given; no name comes twice.
    public let all: [Tag]
    /// Bytes of all names and values.
    public let size: Int

    /// No tags.
    public static let none = PublicationTags()

    private init() {
        all = []
        size = 0
    }

    /// Throws what is wrong with them, in words for whoever gave them.
    public init(_ tags: [Tag]) throws(PublicationTagsError) {
        guard tags.count <= Self.maximumCount else { throw .tooMany(tags.count) }
        var size = 0
        var names: Set<ExactText> = []
        for tag in tags {
            guard !tag.name.isEmpty else { throw .noName }
            guard names.insert(tag.name).inserted else { throw .repeated(tag.name) }
            size += tag.name.utf8.count + tag.value.utf8.count
        }
        guard size <= Self.maximumBytes else { throw .tooLong(size) }
        all = tags
        self.size = size
    }

    public var isEmpty: Bool { all.isEmpty }
    public var count: Int { all.count }

    /// The value of a tag; `nil`: there is none of that name.
    public subscript(name: ExactText) -> ExactText? { all.first { $0.name == name }?.value }
}

/// Why tags were not taken.
public enum PublicationTagsError: Error, Equatable, CustomStringConvertible {
    case tooMany(Int)
    /// Bytes of all names and values.
    case tooLong(Int)
    case noName
    case repeated(ExactText)

    public var description: String {
        switch self {
        case .tooMany(let count): "\(count) tags, at most \(PublicationTags.maximumCount) are allowed"
        case .tooLong(let bytes):
            "tags of \(bytes) bytes, names and values together have at most \(PublicationTags.maximumBytes)"
        case .noName: "a tag without a name"
        case .repeated(let name): "the tag '\(name)' comes twice"
        }
    }
}
