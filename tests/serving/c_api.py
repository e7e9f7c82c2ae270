"""Runs a SavedModel through TensorFlow's C API, as a program in any language could.

    python c_api.py LIBRARIES MODEL REQUESTS ANSWERS

Runs without the Python package: LIBRARIES is the folder of libtensorflow_cc.so.2. REQUESTS is a
pickled list of (feeds by tensor name, names of fetches); ANSWERS gets the arrays or the error
message of each.
"""

import ctypes
import pickle
import sys
from pathlib import Path

import numpy as np

TYPES = {1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8}
STRING, STRING_SIZE = 7, 24  # TF_STRING; sizeof(TF_TString)


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def load_library(folder):
    ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
    pointer, size, string = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
    pointers, outputs = ctypes.POINTER(pointer), ctypes.POINTER(Output)
    strings, sizes = ctypes.POINTER(string), ctypes.POINTER(ctypes.c_int64)
    number = ctypes.c_int
    load = (pointer, pointer, string, strings, number, pointer, pointer, pointer)
    tensors = (outputs, pointers, number)
    run = (pointer, pointer, *tensors, *tensors, pointer, number, pointer, pointer)
    for name, result, *arguments in (
        ("TF_NewStatus", pointer),
        ("TF_DeleteStatus", None, pointer),
        ("TF_GetCode", number, pointer),
        ("TF_Message", string, pointer),
        ("TF_NewGraph", pointer),
        ("TF_NewSessionOptions", pointer),
        ("TF_LoadSessionFromSavedModel", pointer, *load),
        ("TF_GraphOperationByName", pointer, pointer, string),
        ("TF_AllocateTensor", pointer, number, sizes, number, size),
        ("TF_DeleteTensor", None, pointer),
        ("TF_TensorData", pointer, pointer),
        ("TF_TensorType", number, pointer),
        ("TF_TensorByteSize", size, pointer),
        ("TF_NumDims", number, pointer),
        ("TF_Dim", ctypes.c_int64, pointer, number),
        ("TF_StringInit", None, pointer),
        ("TF_StringCopy", None, pointer, string, size),
        ("TF_SessionRun", None, *run),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Model:
    def __init__(self, library, folder):
        self.library, self.graph = library, library.TF_NewGraph()
        tags = (ctypes.c_char_p * 1)(b"serve")
        with Status(library) as status:
            self.session = library.TF_LoadSessionFromSavedModel(
                library.TF_NewSessionOptions(),
                None,
                str(folder).encode(),
                tags,
                1,
                self.graph,
                None,
                status,
            )

    def run(self, feeds, fetches):
        library, count = self.library, len(fetches)
        inputs = [self.tensor(array) for array in feeds.values()]
        answers = (ctypes.c_void_p * count)()
        try:
            with Status(library) as status:
                library.TF_SessionRun(
                    self.session,
                    None,
                    self.outputs(feeds),
                    (ctypes.c_void_p * len(inputs))(*inputs),
                    len(inputs),
                    self.outputs(fetches),
                    answers,
                    count,
                    None,
                    0,
                    None,
                    status,
                )
            return [self.array(tensor) for tensor in answers]
        finally:
            for tensor in [*inputs, *filter(None, answers)]:
                library.TF_DeleteTensor(tensor)

    def outputs(self, names):
        found = (Output * len(names))()
        for place, name in zip(found, names, strict=True):
            operation, _, index = name.partition(":")
            pointer = self.library.TF_GraphOperationByName(self.graph, operation.encode())
            assert pointer, f"no operation {operation}"
            place.operation, place.index = pointer, int(index)
        return found

    def tensor(self, array):
        library = self.library
        text = array.dtype == object
        kind = STRING if text else next(k for k, v in TYPES.items() if v == array.dtype)
        size = array.size * STRING_SIZE if text else array.nbytes
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        tensor = library.TF_AllocateTensor(kind, shape, array.ndim, size)
        data = library.TF_TensorData(tensor)
        if not text:
            ctypes.memmove(data, np.ascontiguousarray(array).ctypes.data, size)
            return tensor
        for i, value in enumerate(array.flat):
            place = data + i * STRING_SIZE
            library.TF_StringInit(place)
            library.TF_StringCopy(place, value, len(value))
        return tensor

    def array(self, tensor):
        library = self.library
        shape = [library.TF_Dim(tensor, i) for i in range(library.TF_NumDims(tensor))]
        array = np.empty(shape, TYPES[library.TF_TensorType(tensor)])
        data = library.TF_TensorData(tensor)
        ctypes.memmove(array.ctypes.data, data, library.TF_TensorByteSize(tensor))
        return array


class Status:
    """A status for a call of the library, whose failure it raises as RuntimeError."""

    def __init__(self, library):
        self.library = library

    def __enter__(self):
        self.status = self.library.TF_NewStatus()
        return self.status

    def __exit__(self, *_):
        code = self.library.TF_GetCode(self.status)
        message = self.library.TF_Message(self.status).decode()
        self.library.TF_DeleteStatus(self.status)
        if code:
            raise RuntimeError(f"{code}: {message}")


def answer(model, request):
    try:
        return model.run(*request)
    except RuntimeError as error:
        return str(error)


if __name__ == "__main__":
    libraries, folder, requests, answers = map(Path, sys.argv[1:])
    model = Model(load_library(libraries), folder)
    with requests.open("rb") as file:
        found = [answer(model, request) for request in pickle.load(file)]
    assert "tensorflow" not in sys.modules
    with answers.open("wb") as file:
        pickle.dump(found, file)
