"""Tests a Python client that is generated from proto/, beside the packages that others publish.

Run by run.sh, in its virtual environment, with ANNEALD in the environment.
"""

import importlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import grpc
import grpc_tools.protoc
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import proto_reflection_descriptor_database as reflection
from grpc_status import rpc_status
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.proto import histogram_pb2
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.hparams import plugin_data_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "proto"
SERVICES = ("ExperimentService", "RunService", "PresetService", "ServerService")


def contract_files():
  return sorted(str(path.relative_to(CONTRACT)) for path in CONTRACT.rglob("*.proto"))


def protoc(*arguments):
  wellknown = pathlib.Path(grpc_tools.protoc.__file__).parent / "_proto"
  if grpc_tools.protoc.main(["protoc", f"-I{wellknown}", *arguments]) != 0:
    raise RuntimeError(f"protoc failed: {arguments}")


def messages_of(root, path):
  """Returns the messages that a file defines, nested ones included, by name without the package."""
  with tempfile.NamedTemporaryFile() as file:
    protoc(f"-I{root}", f"--descriptor_set_out={file.name}", path)
    files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(file.name).read_bytes())
  found = {}

  def add(prefix, message):
    if message.options.map_entry:
      return
    found[prefix + message.name] = message
    for nested in message.nested_type:
      add(f"{prefix}{message.name}.", nested)

  for message in files.file[0].message_type:
    add("", message)
  return found


class ContractTest(unittest.TestCase):

  def test_root_has_the_contract_only(self):
    files = contract_files()
    self.assertIn("anneal/v1/services.proto", files)
    self.assertEqual([file for file in files if not file.startswith("anneal/v1/")], [])

  def test_every_file_names_the_same_go_package(self):
    for file in contract_files():
      text = (CONTRACT / file).read_text()
      self.assertEqual(text.count('\noption go_package = "anneal/v1;annealv1";\n'), 1, file)


class CopiesTest(unittest.TestCase):
  """Our copies of what others publish have the names, numbers and types of the originals."""

  def check(self, root, path, originals):
    copies = messages_of(ROOT / root, path)
    self.assertTrue(copies)
    for name, copy in copies.items():
      outermost, *inner = name.split(".")
      found = [file.DESCRIPTOR.message_types_by_name[outermost] for file in originals
               if outermost in file.DESCRIPTOR.message_types_by_name]
      self.assertEqual(len(found), 1, name)
      original = found[0]
      for nested in inner:
        original = original.nested_types_by_name[nested]
      for field in copy.field:
        published = original.fields_by_name[field.name]
        self.assertEqual(
            (field.number, field.type, field.label == field.LABEL_REPEATED),
            (published.number, published.type, published.is_repeated), f"{name}.{field.name}")
        for enum in copy.enum_type:
          if field.type_name.endswith(f".{name}.{enum.name}"):
            self.assertEqual({value.name: value.number for value in enum.value},
                             {value.name: value.number for value in published.enum_type.values})

  def test_google_rpc(self):
    self.check("common/published", "google/rpc/error.proto", [error_details_pb2, status_pb2])

  def test_health(self):
    self.check("common/published", "grpc/health/v1/health.proto", [health_pb2])

  def test_tensorboard(self):
    self.check(".", "client/exporters/event.proto",
               [event_pb2, histogram_pb2, plugin_data_pb2, summary_pb2])


class ClientTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    cls.directory = tempfile.TemporaryDirectory()
    cls.addClassCleanup(cls.directory.cleanup)
    protoc(f"-I{CONTRACT}", f"--python_out={cls.directory.name}",
           f"--grpc_python_out={cls.directory.name}", *contract_files())
    sys.path.insert(0, cls.directory.name)
    cls.messages = importlib.import_module("anneal.v1.services_pb2")
    cls.services = importlib.import_module("anneal.v1.services_pb2_grpc")

    address = f"unix:{cls.directory.name}/anneald.sock"
    daemon = subprocess.Popen(
        [os.environ["ANNEALD"], "--data-dir", f"{cls.directory.name}/data", "--listen", address],
        stderr=subprocess.DEVNULL)
    cls.addClassCleanup(daemon.wait)
    cls.addClassCleanup(daemon.terminate)
    cls.channel = grpc.insecure_channel(address)
    cls.addClassCleanup(cls.channel.close)
    grpc.channel_ready_future(cls.channel).result(timeout=60)
    # The daemon serves once its database has taken a write.
    for response in cls.health().Watch(health_pb2.HealthCheckRequest(), timeout=60):
      if response.status == health_pb2.HealthCheckResponse.SERVING:
        break

  @classmethod
  def health(cls):
    return health_pb2_grpc.HealthStub(cls.channel)

  def details(self, method, request, detail_type):
    """Calls a method that fails, and returns its details of this type."""
    with self.assertRaises(grpc.RpcError) as raised:
      method(request, timeout=60)
    status = rpc_status.from_call(raised.exception)
    self.assertIsInstance(status, status_pb2.Status)
    found = []
    for packed in status.details:
      detail = detail_type()
      if packed.Unpack(detail):
        found.append(detail)
    self.assertEqual(len(found), 1, status)
    return found[0]

  def test_all_messages_live_in_one_process(self):
    pool = descriptor_pool.Default()
    for name in ("anneal.v1.Experiment", "google.rpc.ErrorInfo", "google.rpc.Status",
                 "tensorboard.Event", "tensorboard.hparams.HParamsPluginData",
                 "grpc.health.v1.HealthCheckResponse"):
      self.assertIsNotNone(pool.FindMessageTypeByName(name))

  def test_error_info_is_googles(self):
    stub = self.services.ExperimentServiceStub(self.channel)
    info = self.details(stub.GetExperiment,
                        self.messages.GetExperimentRequest(name="experiments/none"),
                        error_details_pb2.ErrorInfo)
    self.assertEqual((info.domain, info.reason), ("anneal", "EXPERIMENT_NOT_FOUND"))

  def test_bad_request_is_googles(self):
    stub = self.services.ExperimentServiceStub(self.channel)
    request = self.messages.CreateExperimentRequest()
    request.experiment.config.batch_size = 0
    request.experiment.config.epochs = 0
    bad = self.details(stub.CreateExperiment, request, error_details_pb2.BadRequest)
    fields = " ".join(violation.field for violation in bad.field_violations)
    self.assertIn("epochs", fields)
    self.assertIn("batch_size", fields)

  def test_health_answers_by_every_name(self):
    for service in ("", *(f"anneal.v1.{name}" for name in SERVICES)):
      response = self.health().Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
      self.assertEqual(response.status, health_pb2.HealthCheckResponse.SERVING, service)

  def test_reflection_describes_every_service(self):
    database = reflection.ProtoReflectionDescriptorDatabase(self.channel)
    services = set(database.get_services())
    self.assertLessEqual(
        {"grpc.health.v1.Health", *(f"anneal.v1.{name}" for name in SERVICES)}, services)
    pool = descriptor_pool.DescriptorPool(database)
    for service in services:
      self.assertTrue(pool.FindServiceByName(service).methods, service)


if __name__ == "__main__":
  unittest.main()
