import NIOCore
import Synchronization

/// The wire formats of one node: what stands behind each, and how many use it.
///
/// Formats without parameters are given at the beginning and stay. Formats with parameters are interned at run
/// time, so that clients with the same ones share frames, and are forgotten with their last user.
///
/// Any thread. A publication asks the table where it enters the node; a delivery never does.
public final class FormatTable: Sendable {
    /// Bytes of a frame from which formats with compression compress; `.max`: never.
    public let compressionThreshold: Int
    private let state: Mutex<State>

    fileprivate struct Entry {
        let definition: FormatDefinition
        /// Clients, and formats that are made out of this one.
        var users = 0
        /// What it is interned under; `nil` for a built-in format, which stays.
        var key: ExactText?
        /// Who wanted it first.
        var maker: FormatMaker?
    }

    fileprivate struct State {
        var entries: [WireFormat: Entry] = [:]
        var interned: [ExactText: WireFormat] = [:]
        /// How many of them have leads.
        var personal = 0
        /// How many of these somebody wanted first.
        var made: [FormatMaker: Int] = [:]
        /// The id that was given last.
        var lastID: UInt16 = 0
        var eager: [PlainFormat] = []
    }

    /// - Parameters:
    ///   - builtIn: formats without parameters; of one that is derived, the base is among them.
    ///   - compressionThreshold: see ``compressionThreshold``.
    public init(_ builtIn: [(WireFormat, FormatDefinition)], compressionThreshold: Int) {
        self.compressionThreshold = compressionThreshold
        var state = State()
        for (format, definition) in builtIn {
            precondition(state.entries[format] == nil, "two formats have the id \(format.id)")
            state.entries[format] = Entry(definition: definition)
            state.lastID = max(state.lastID, format.id)
        }
        self.state = Mutex(state)
    }

    /// The formats in use, by their ids.
    public var inUse: [WireFormat] {
        state.withLock { $0.entries.filter { $0.value.users > 0 }.keys.sorted { $0.id < $1.id } }
    }

    /// The formats in use whose frames are made where a publication enters the node.
    var eager: [PlainFormat] { state.withLock { $0.eager } }

    /// A client uses a format of the table. Every call needs one of ``release(_:)``.
    public func acquire(_ format: WireFormat) { state.withLock { $0.acquire(format) } }

    /// A user of a format is gone, and has left the hub before.
    public func release(_ format: WireFormat) { state.withLock { $0.release(format) } }

    /// A client uses a format with parameters. Every call needs one of ``release(_:)``.
    ///
    /// An id that was released is given again only after all others: while 60,000 formats come and go, no publication that
    /// still waits for an event loop has a frame of another format under the same id.
    ///
    /// - Parameters:
    ///   - key: names protocol and parameters; the same key is the same format.
    ///   - definition: what stands behind it, if it is not there yet; of one that is derived, the base is in the table.
    ///   - maker: for whom it is one with leads; `nil`: nobody has only a share of them.
    /// - Returns: `nil` when there are ``maximumInterned`` others, or ``maximumPersonal`` with leads where it has them; or
    ///   ``personalOfAnyMaker`` of them are this maker's, ``personalOfMaker`` where ``freePersonal`` are there.
    public func intern(
        _ key: ExactText, as definition: FormatDefinition, by maker: FormatMaker? = nil
    ) -> WireFormat? {
        state.withLock { $0.intern(key, as: definition, by: maker) }
    }

    /// What stands behind a format; `nil`: nobody uses it.
    func definition(_ format: WireFormat) -> FormatDefinition? { state.withLock { $0.entries[format]?.definition } }

    /// The format itself if its frames are encoded, the one that it is made out of if it is derived; `nil`: nobody uses it, or
    /// its clients have leads of their own.
    public func plain(_ format: WireFormat) -> PlainFormat? {
        state.withLock { state in
            var format = format
            while let definition = state.entries[format]?.definition {
                switch definition {
                case .encoded(let encoder): return PlainFormat(format: format, encoder: encoder)
                case .derived(let base, _): format = base
                case .personal: return nil
                }
            }
            return nil
        }
    }

    /// A publication in a format whose clients have leads of their own, which somebody uses; `nil` in any other.
    public func personal(_ publication: Publication, _ format: WireFormat) -> PersonalBody? {
        guard case .personal(let encoder) = definition(format) else { return nil }
        return PersonalBody(body: encoder.body(publication), encoder: encoder)
    }

    /// The ready bytes of a publication that no other client shares: of a derived format, those of its base.
    public func encode(_ publication: Publication, _ format: WireFormat) -> ByteBuffer {
        plain(format)?.encoder.publication(publication) ?? ByteBuffer()
    }
}

extension FormatTable.State {
    mutating func acquire(_ format: WireFormat) {
        guard let users = entries[format]?.users else { preconditionFailure("no format has the id \(format.id)") }
        entries[format]?.users = users + 1
        if users == 0 { began(format) }
    }

    mutating func release(_ format: WireFormat) {
        guard let entry = entries[format], entry.users > 0 else {
            preconditionFailure("format \(format.id) was released more often than acquired")
        }
        entries[format]?.users = entry.users - 1
        guard entry.users == 1 else { return }
        if let key = entry.key {
            entries[format] = nil
            interned[key] = nil
            if entry.definition.isPersonal { personal -= 1 }
            if let maker = entry.maker, let count = made[maker] { made[maker] = count > 1 ? count - 1 : nil }
        } else {
            eager.removeAll { $0.format == format }
        }
        if let base = entry.definition.base { release(base) }
    }

    mutating func intern(
        _ key: ExactText, as definition: FormatDefinition, by maker: FormatMaker?
    ) -> WireFormat? {
        if let format = interned[key] {
            acquire(format)
            return format
        }
        guard interned.count < FormatTable.maximumInterned else { return nil }
        if definition.isPersonal {
            let share = maker.map { made[$0, default: 0] } ?? 0
            let isFree = personal < FormatTable.freePersonal
            let most = isFree ? FormatTable.personalOfAnyMaker : FormatTable.personalOfMaker
            guard personal < FormatTable.maximumPersonal, share < most else { return nil }
            personal += 1
            if let maker { made[maker] = share + 1 }
        }
        repeat { lastID &+= 1 } while entries[WireFormat(id: lastID)] != nil
        let format = WireFormat(id: lastID)
        entries[format] = .init(definition: definition, key: key, maker: definition.isPersonal ? maker : nil)
        interned[key] = format
        acquire(format)
        return format
    }

    /// A format has its first user.
    private mutating func began(_ format: WireFormat) {
        guard let entry = entries[format] else { return }
        switch entry.definition {
        case .derived(let base, _): acquire(base)
        case .personal: break
        case .encoded(let encoder):
            guard entry.key == nil else { return }
            eager.append(.init(format: format, encoder: encoder))
        }
    }
}
