/// One value for each wire format, in place: no array, no allocation.
public struct PerFormat<Value> {
    private var rawWebSocket: Value
    private var centrifugeJSONWebSocket: Value

    /// The same value for all.
    public init(_ value: Value) {
        self.init { _ in value }
    }

    /// A value for each.
    public init(_ value: (WireFormat) -> Value) {
        rawWebSocket = value(.rawWebSocket)
        centrifugeJSONWebSocket = value(.centrifugeJSONWebSocket)
    }

    // Inlined always: an accessor that yields and is called costs an allocation.
    public subscript(format: WireFormat) -> Value {
        @inline(__always) get {
            switch format {
            case .rawWebSocket: rawWebSocket
            case .centrifugeJSONWebSocket: centrifugeJSONWebSocket
            }
        }
        @inline(__always) _modify {
            switch format {
            case .rawWebSocket: yield &rawWebSocket
            case .centrifugeJSONWebSocket: yield &centrifugeJSONWebSocket
            }
        }
    }
}

extension PerFormat: Sendable where Value: Sendable {}
